"""Compiles the pipeline's Java parts against the locked engines and adds their jars to the endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from harness.artifacts import cache_dir, ensure
from harness.artifacts.java import find_java
from harness.base.errors import DeployError
from harness.base.report import Report
from harness.services.spark import pyspark_home
from pipeline.base.endpoints import Endpoints
from pipeline.base.errors import PipelineError
from pipeline.base.java_part import LAKE_JAVA, STREAM_JAVA, JavaPart, build_jar


def with_stream_jar(endpoints: Endpoints, *, report: Report) -> Endpoints:
    """Return the endpoints with the stream job's jar for Flink. Raises DeployError."""
    flink = ensure(["flink"], report=report).home("flink")
    jar = _jar(STREAM_JAVA, sorted(flink.glob("lib/*.jar")), report)
    return endpoints.replacing(replace(endpoints.flink, job_jar=str(jar)))


def with_lake_jar(endpoints: Endpoints, *, report: Report) -> Endpoints:
    """Return the endpoints with the lake's jar for Spark. Raises DeployError."""
    spark = endpoints.spark
    jar = str(_jar(LAKE_JAVA, sorted(pyspark_home().glob("jars/*.jar")), report))
    return endpoints.replacing(replace(spark, jars=tuple(dict.fromkeys((*spark.jars, jar)))))


def _jar(part: JavaPart, class_path: Sequence[Path], report: Report) -> Path:
    ecj = next(ensure(["ecj"], report=report).home("ecj").glob("lib/*.jar"))
    try:
        return build_jar(
            part,
            ecj=ecj,
            class_path=class_path,
            cache=cache_dir() / "built",
            java=find_java().executable,
        )
    except PipelineError as error:
        raise DeployError(str(error)) from error
