"""``floodmark lake deploy``: create the lake's topics, bucket and contract on a running platform."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from harness.base.errors import DeployError
from harness.cli.output import OutputFormat, OutputOption, Progress, print_json
from harness.cli.platforms import EndpointsOption, platform_of
from pipeline.base.errors import PipelineError
from pipeline.base.options import PipelineOptions, TopicOptions
from pipeline.contract.topics import TOPICS
from pipeline.deployment import Pipeline

_DAY_S: Final = 86_400
_DEFAULT: Final = TopicOptions()

PartitionsOption = Annotated[
    int, typer.Option("--partitions", min=1, max=10_000, help="Partitions of each new topic.")
]
RetentionOption = Annotated[
    int,
    typer.Option(
        "--retention-days", min=1, max=36_500, help="How long its records stay, by their own times."
    ),
]


def deploy(
    *,
    partitions: PartitionsOption = _DEFAULT.partitions,
    retention_days: RetentionOption = _DEFAULT.retention_s // _DAY_S,
    endpoints: EndpointsOption = None,
    output: OutputOption = OutputFormat.TEXT,
) -> None:
    """Create the topics, the lake's bucket and its first contract; existing ones are left alone.

    Use after `floodmark up`, which only starts engines. A run of a scenario deploys by itself. Tables are
    created by the first day that runs.

    Example: floodmark lake deploy

    Exit codes: 0 everything exists, 2 an option was refused, 4 the platform could not be reached.
    """
    platform = platform_of(endpoints, needs=("kafka", "object_store"))
    topics = TopicOptions(partitions=partitions, retention_s=retention_days * _DAY_S)
    try:
        Pipeline(platform, PipelineOptions(deploy=("lake",), topics=topics)).deploy()
    except PipelineError as error:
        raise DeployError(f"the lake could not be deployed: {error}") from error
    bucket = platform.object_store.bucket
    if output is OutputFormat.JSON:
        print_json({"topics": list(TOPICS), "bucket": bucket})
    else:
        Progress()(f"the topics {', '.join(TOPICS)} and the bucket {bucket} exist")
