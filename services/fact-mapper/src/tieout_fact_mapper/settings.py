"""Settings of fact-mapper, from the environment."""

from pathlib import Path

from tieout.observability.settings import ServiceSettings


class MapperSettings(ServiceSettings):
    """What fact-mapper needs beyond what every service needs."""

    work_folder: Path = Path("/tmp/tieout-fact-mapper")  # noqa: S108 - faust insists on a folder and leaves it empty
