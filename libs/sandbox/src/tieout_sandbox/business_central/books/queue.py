"""The job queue: postings that were promised with a 204 and happen later, if they can."""

from dataclasses import dataclass
from datetime import datetime

from tieout_sandbox.business_central.books.company import Books
from tieout_sandbox.business_central.books.journals import lines_of
from tieout_sandbox.business_central.books.posting_journals import post_batch
from tieout_sandbox.business_central.refusals import Refusal


@dataclass(frozen=True)
class Job:
    """A batch to post at a moment of the simulated clock."""

    due: datetime
    batch: str


def run_jobs(books: Books) -> None:
    """Post what is due; what is refused stays in its batch with the status Error."""
    now = books.store.clock.now()
    due = [job for job in books.jobs if job.due <= now]
    for job in due:
        books.jobs.remove(job)
        batch = books.batches.get(job.batch)
        if batch is None:
            continue
        try:
            post_batch(books, batch)
        except Refusal:
            for line in lines_of(books, batch):
                books.journal_lines.change(line, touch=False, job_status="Error")
