"""``python -m tieout_fact_mapper``."""

from tieout.observability import crash_points
from tieout.observability.logging import configure
from tieout.observability.settings import load_or_exit
from tieout_fact_mapper.settings import MapperSettings


def main() -> None:
    """Read the settings, then run until stopped."""
    settings = load_or_exit(MapperSettings)
    configure("fact-mapper", settings.log_level)
    crash_points.install(crash_points.CrashPoints(settings.crash_list, settings.crash_at))
    # faust takes most of a second to import; --print-config and wrong settings need none of it.
    from tieout_fact_mapper.process import run  # noqa: PLC0415

    run(settings)


if __name__ == "__main__":
    main()
