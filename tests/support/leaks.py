"""Where a secret could be found again: the bytes of a database, of topics and of answers, under every spelling."""

import base64
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus

import psycopg2
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from support.installation import Installation
from tieout.log.compacted import high_watermark

TIEOUT: Final = Path(sys.executable).with_name("tieout")
SECONDS: Final = 60.0


def spellings(secret: str) -> dict[str, bytes]:
    """The bytes that a secret leaves behind, by the encoding; also where it is a part of something longer."""
    plain = secret.encode()
    escaped, lettered = json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]
    found = {
        "plain": plain,
        "UTF-16": secret.encode("utf-16-le"),
        "JSON": escaped.encode(),
        "JSON with letters": lettered.encode(),
        "JSON in JSON": json.dumps(escaped)[1:-1].encode(),
        "URL": quote(secret, safe="").encode(),
        "URL path": quote(secret).encode(),
        "form": quote_plus(secret).encode(),
        "hex": plain.hex().encode(),
        "Python": repr(secret)[1:-1].encode(),
        "Python bytes": repr(plain)[2:-1].encode(),
        "Python bytes of JSON": repr(escaped.encode())[2:-1].encode(),
        "Python bytes of JSON with letters": repr(lettered.encode())[2:-1].encode(),
    }
    for alphabet, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
        for shift in range(3):
            # What stands before and after changes the first and the last characters; those between stay.
            first, last = -(-shift * 4 // 3), (shift + len(plain)) * 4 // 3
            found[f"{alphabet}+{shift}"] = encode(bytes(shift) + plain + bytes(3))[first:last]
    return found


def traces(secrets: Mapping[str, str], content: bytes) -> list[str]:
    """Which of the named secrets are found, and how they are spelled there."""
    lower = content.lower()
    return [
        f"{name} as {how}"
        for name, secret in secrets.items()
        for how, spelled in spellings(secret).items()
        if spelled in content or (how in ("hex", "URL", "form") and spelled.lower() in lower)
    ]


def database(made: Installation) -> bytes:
    """Every row of every table, as the server keeps it."""
    dump = io.BytesIO()
    with psycopg2.connect(made.database) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        )
        for (table,) in cursor.fetchall():
            cursor.copy_expert(f"COPY {table} TO STDOUT (FORMAT binary)", dump)
    connection.close()
    return dump.getvalue()


def topics(made: Installation) -> dict[str, bytes]:
    """Keys, values and headers of every message on every topic of the installation, those of aborted writes too."""
    consumer = Consumer(made.access.consumer("-", committed=False) | {"enable.partition.eof": True})
    try:
        there = consumer.list_topics(timeout=10).topics
        ours = [(name, number) for name, one in there.items() if _is_ours(made, name) for number in one.partitions]
        ends = {one for one in ours if high_watermark(made.access, *one)[1] > 0}
        consumer.assign([TopicPartition(name, number, 0) for name, number in ends])
        found: dict[str, list[bytes]] = {name: [] for name, _number in ours}
        limit = time.monotonic() + SECONDS
        while ends:
            assert time.monotonic() < limit, f"{sorted(ends)} were not read to their ends"
            for message in consumer.consume(5000, 0.2):
                error = message.error()
                if error is None:
                    headers = [part for pair in message.headers() or () for part in pair]
                    found[message.topic()] += [_bytes(one) for one in (message.key(), message.value(), *headers)]
                elif error.code() == KafkaError._PARTITION_EOF:
                    ends.discard((message.topic(), message.partition()))
                else:
                    raise KafkaException(error)
    finally:
        consumer.close()
    return {name: b"\n".join(parts) for name, parts in found.items()}


def _is_ours(made: Installation, topic: str) -> bool:
    return topic.startswith(f"{made.prefix}.")


def _bytes(part: str | bytes | None) -> bytes:
    return part.encode() if isinstance(part, str) else part or b""


def logs(made: Installation) -> bytes:
    """What all services have said since the beginning."""
    return b"\n".join(path.read_bytes() for path in sorted(made.folder.glob("*.log")))


def commands(url: str, token: str, words: Sequence[Sequence[str]]) -> Iterator[bytes]:
    """What the `tieout` command prints, for each of the calls."""
    environment = {"PATH": os.environ["PATH"], "TIEOUT_API_URL": url, "TIEOUT_API_TOKEN": token, "HOME": os.devnull}

    def call(one: Sequence[str]) -> bytes:
        done = subprocess.run([TIEOUT, *one], capture_output=True, env=environment, timeout=SECONDS, check=False)
        assert done.returncode in (0, 1, 2), done.stderr[-500:]
        return done.stdout + done.stderr

    with ThreadPoolExecutor(2) as pool:
        yield from pool.map(call, words)
