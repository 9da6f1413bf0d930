"""Time functions, whole cells in two precisions, every method, and their operations."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from baselines.clip_dissect import SIMILARITIES
from bench.speed import jobs
from bench.speed.gpu.network_files import method_overrides
from bench.speed.harness import measure_rates
from bench.speed.jobs import phase_seconds, sum_phases
from bench.speed.similarity import Shape, compare_one, make_inputs
from leaderboards.costs import run_cost

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.config.compose import Job
    from bench.speed.gpu.report import Report
    from bench.speed.gpu.sizes import Sizes
    from bench.speed.jobs import Setting

    Row = dict[str, Any]

_TOP_IMAGES = {"soft_wpmi": 100, "wpmi": 28}
"""Images of a unit that a function reads, if it does not read all."""

_WARM_UP = 1_024
"""Images of the first job in each precision; short jobs have twice and three times as many."""

_SHARE = 0.75
"""Share of the time left that the two passes are planned to take."""

_SHOWN = 15
"""Operations of a job in the record, each with a name of at most 120 characters."""

RANDOM_WEIGHTS = (
    "all networks have random weights. Forward passes cost the same as with real ones. Steps that "
    "depend on labels may cost less: random maps overlap little with masks, so the search for "
    "formulas may end with fewer candidates; a random segmenter marks few of its classes; a random "
    "decoder rarely ends a sentence early, so its search costs at least as much as a trained one's"
)


def time_functions(report: Report, sizes: Sizes, _folder: Path) -> None:
    """Time each function from the matrix and from embeddings."""
    shape = Shape(*sizes.functions)
    rates = measure_rates(report.device, sizes.copied)
    report.set_facts(shape=shape._asdict(), rates=rates, repeats=sizes.repeats)
    inputs = make_inputs(shape, report.device)

    def time(name: str) -> Row:
        row = compare_one(name, matrix, inputs, sizes.loop_units, sizes.repeats)
        return row | shares_of_limits(name, shape, row["given"], row["ours_s"], rates)

    for given in ("matrix", "embeddings"):
        matrix = inputs.product() if given == "matrix" else None
        for name in SIMILARITIES:
            report.add_row(f"{name} from {given}", partial(time, name))


def shares_of_limits(
    name: str, shape: Shape, given: str, seconds: float, rates: Mapping[str, float]
) -> Row:
    """Compare the seconds of a function with the limits of the machine (`measure_rates`).

    Bytes are those read and written at least once: the whole matrix if it is given, since scores
    that are not finite are refused. Products are the multiplications and additions of matrix
    products; sorting and exponentials are not counted.
    """
    images, units, concepts, width = shape
    scores = images * concepts if given == "matrix" else (images + concepts) * width
    moved = 4.0 * (scores + images * units + units * concepts)
    products = 2.0 * images * units * concepts if name.startswith("cos_similarity") else 0.0
    if given == "embeddings" and name == "cos_similarity":  # products of embeddings alone
        products = 2.0 * width * (images * width + images * units + units * concepts)
    elif given == "embeddings":
        products += 2.0 * min(images, _TOP_IMAGES.get(name, images) * units) * width * concepts
    return {
        "least_bytes": moved,
        "least_products": products,
        "share_of_copy_rate": moved / (rates["copy_gb_per_s"] * 1e9) / seconds,
        "share_of_product_rate": products / (rates["matmul_gflop_per_s"] * 1e9) / seconds,
    }


def time_cell(report: Report, sizes: Sizes, folder: Path) -> None:
    """Run the cell in each precision over the same images, then the plain procedure."""
    setting = sizes.setting(report.device)
    files = jobs.make_files(folder, setting, sizes.concepts)
    report.set_facts(setting={**asdict(setting), "concepts": sizes.concepts})
    half, single = both_precisions(report.device)

    def compose(**changes: Any) -> tuple[Job, Setting]:
        changed = replace(setting, **changes)
        return jobs.compose_job(files, changed, folder / "cell"), changed

    def time(name: str, **changes: Any) -> Row:
        return report.add_row(name, partial(_run_cell, *compose(**changes)))

    few = max(1, min(_WARM_UP, sizes.cell_images // 4))
    for precision in (half, single):  # compiles kernels
        time(f"warm up {precision}", precision=precision, images=few)
    # Decoding threads share Python's lock with the thread that launches the networks: find
    # their best number. One more image each time, so that no evidence comes from the cache.
    rates: dict[int, float] = {}
    for at, workers in enumerate(sorted({max(1, setting.workers // part) for part in (4, 2, 1)})):
        row = time(f"{workers} threads", precision=half, images=2 * few + at, workers=workers)
        rates[workers] = row.get("images_per_s", 0.0)
    setting = replace(setting, workers=max(rates, key=rates.__getitem__))
    report.set_facts(workers=setting.workers)
    rows = [time(f"short {each}", precision=each, images=3 * few) for each in (half, single)]
    per_image = sum(1 / row["images_per_s"] for row in rows if row["status"] == "ok")
    images = sizes.cell_images
    if per_image:
        images = max(1, min(images, int(_SHARE * report.left / per_image)))
    labels = []
    for precision in (half, single):
        row = time(precision, precision=precision, images=images)
        job, _ = compose(precision=precision, images=images)
        labels += [jobs.read_labels(job)] if row["status"] == "ok" else []
    if len(labels) == 2:
        report.add_row("labels", partial(_count_differences, sizes.layers, *labels))
    few = max(1, int(images * sizes.plain_share))
    for precision in (half, single):
        plain = partial(_run_plain, *compose(precision=precision, images=few))
        report.add_row(f"plain {precision}", plain)


def both_precisions(device: str) -> tuple[str, str]:
    """Return half precision, in which the authors' encoder runs on a GPU, and single precision.

    CPUs have no fast arithmetic for float16: half precision is bfloat16 there.
    """
    return ("float16" if device.startswith("cuda") else "bfloat16"), "float32"


def _run_cell(job: Job, setting: Setting) -> Row:
    timings, _ = jobs.run_job(job)
    phases = sum_phases(timings)
    if any(phase["cached"] for phase in phases if phase["name"] == "gather"):
        raise RuntimeError(f"the evidence on {setting.images} images came from the cache")
    return {
        "images": setting.images,
        "images_per_s": setting.images / phase_seconds(phases, "gather"),
        "cell_s": phase_seconds(phases, "gather", "text", "match"),
        "bound_by": bounds_of_gather(phases, setting.workers),
        "units": [timing["units"] for timing in timings],
        "phases": phases,
    }


def _run_plain(job: Job, setting: Setting) -> Row:
    from bench.speed.plain.cell import describe

    phases = describe(job, setting)
    rate = setting.images / phase_seconds(phases, "gather")
    return {"images": setting.images, "images_per_s": rate, "phases": phases}


def bounds_of_gather(phases: Sequence[Mapping[str, Any]], workers: int) -> dict[str, float]:
    """Return the seconds that each concurrent part of a pass would take alone.

    The longest is a lower bound of the pass. The threads that decode share its seconds.
    """
    seconds = {phase["name"]: phase["device_s"] or phase["wall_s"] for phase in phases}
    return {
        "decoding": seconds.get("gather/decode", 0.0) / max(1, workers),
        "target": seconds.get("gather/target_forward", 0.0),
        "encoder": seconds.get("gather/image_encoding", 0.0),
    }


def _count_differences(layers: Sequence[str], *labels: Sequence[Sequence[str]]) -> Row:
    """Count the units of each layer whose label differs between the two precisions."""
    rows = []
    for layer, half, single in zip(layers, *labels, strict=True):
        differ = sum(a != b for a, b in zip(half, single, strict=True))
        rows.append({"layer": layer, "units": len(half), "differ": differ})
    return {"layers": rows}


def time_methods(report: Report, sizes: Sizes, folder: Path) -> None:
    """Run every method on each network; its evidence is shared, and counted separately."""
    report.set_facts(
        images=sizes.method_images, layers=list(sizes.method_layers), segmenter=sizes.segmenter,
        captioner=sizes.captioner, words=sizes.words, encoder=sizes.encoder,
        concepts=sizes.concepts, note=RANDOM_WEIGHTS,
    )  # fmt: skip
    layers, images = sizes.method_layers, sizes.method_images
    settings = {
        arch: sizes.setting(report.device, arch=arch, layers=layers, images=images)
        for arch in sizes.networks
    }
    files = {
        arch: jobs.make_files(folder / arch, setting, sizes.concepts, masked=True)
        for arch, setting in settings.items()
    }
    # Loop over methods first: if time runs out, only the most expensive ones are missing.
    for method, more in method_overrides(folder, sizes).items():
        for arch in sizes.networks:
            setting = replace(settings[arch], method=method, more=more)
            job = jobs.compose_job(files[arch], setting, folder / arch / "results")
            report.add_row(f"{method} on {arch}", partial(_run_method, job, method, arch))


def _run_method(job: Job, method: str, arch: str) -> Row:
    timings, records = jobs.run_job(job)
    layers = []
    for timing, record in zip(timings, records, strict=True):
        units, match_s = record.target["units"], phase_seconds(timing["phases"], "match")
        layers.append(
            {
                "layer": record.target["layer"],
                "units": units,
                "alive": 1 - len(record.target["dead_units"]) / units,
                "match_s": match_s,
                "match_s_per_unit": match_s / units,
                "cold_total_s": run_cost(timing)["cold_total_s"],
            }
        )
    return {"method": method, "arch": arch, "layers": layers, "phases": sum_phases(timings)}


def profile_operations(report: Report, sizes: Sizes, folder: Path) -> None:
    """Profile the five-layer cell in both precisions, then each method on the first network."""
    report.set_facts(images=sizes.profiled, shown=_SHOWN)
    setting = sizes.setting(report.device, images=sizes.profiled)
    files = jobs.make_files(folder, setting, sizes.concepts, masked=True)
    settings = {
        f"cell {precision}": replace(setting, precision=precision)
        for precision in both_precisions(report.device)
    } | {
        method: replace(setting, method=method, layers=sizes.method_layers, more=more)
        for method, more in method_overrides(folder, sizes).items()
    }
    for name, each in settings.items():
        job = jobs.compose_job(files, each, folder / ("methods" if each.more else "cell"))
        report.add_row(name, partial(_profile, job, report.device))


def _profile(job: Job, device: str) -> Row:
    """Run a job under torch's profiler.

    Returns:
        {"operations": [{name, calls, ms, share}], "total_ms"}: kernels and copies on a GPU, torch's
        operators on a CPU; shares are of the device's busy time.
    """
    from torch.profiler import ProfilerActivity, profile

    on_gpu = device.startswith("cuda")
    activity = ProfilerActivity.CUDA if on_gpu else ProfilerActivity.CPU
    with profile(activities=[activity]) as profiler:
        jobs.run_job(job)
    column = "self_device_time_total" if on_gpu else "self_cpu_time_total"
    events = [(getattr(event, column) / 1000, event) for event in profiler.key_averages()]
    events.sort(key=lambda row: -row[0])
    total = sum(ms for ms, _ in events)
    operations = [
        {"name": event.key[:120], "calls": event.count, "ms": ms, "share": ms / max(total, 1e-9)}
        for ms, event in events[:_SHOWN]
    ]
    return {"total_ms": total, "operations": operations}
