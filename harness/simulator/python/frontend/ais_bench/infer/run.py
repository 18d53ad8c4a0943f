"""What ``python -m ais_bench`` does: warm up, run, report; on one device, on several, over shapes, under msprof."""

from __future__ import annotations

import copy
import itertools
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from typing import Any, Sequence

import numpy as np

from ais_bench.infer import arguments, files
from ais_bench.infer.interface import InferSession, MemorySummary
from ais_bench.infer.report import report
from ais_bench.infer.settings import Level, generation, options, say

PERMISSION = 0o750
MSPROF = (
    "--model-execution=on --sys-hardware-mem=on --sys-cpu-profiling=off --sys-profiling=off "
    "--sys-pid-profiling=off --dvpp-profiling=on --runtime-api=on --task-time=on --aicpu=on"
)


def main(words: Sequence[str]) -> int:
    """Run the command line; returns the exit status."""
    if options().get("fail") == "toolkit_missing":
        raise ImportError("libascendcl.so: cannot open shared object file: No such file or directory")
    given = arguments.read(words)
    Level.debug = given.debug
    if given.profiler and shutil.which("msprof"):
        return _profile(given, words)
    if given.dymShape_range is not None and given.dymShape is None:
        return _range(given, words)
    if isinstance(given.device, list):
        return _several(given, words)
    _run(given, words, given.device, _prefix(given, None), arguments.inputs(given))
    return 0


def _session(given: Any, device: int) -> InferSession:
    session = InferSession(device, given.model, given.acl_json_path, given.debug, given.loop)
    inner = session.session
    if given.dymBatch:
        inner.set_dynamic_batchsize(given.dymBatch)
    elif given.dymHW is not None:
        height, width = (int(part) for part in given.dymHW.split(","))
        inner.set_dynamic_hw(height, width)
    elif given.dymDims is not None:
        inner.set_dynamic_dims(given.dymDims)
    elif given.dymShape is not None:
        inner.set_dynamic_shape(given.dymShape)
    else:
        inner.set_staticbatch()
    if given.batchsize is None:
        given.batchsize = _batchsize(session, given)
        say("INFO", f"try get model batchsize:{given.batchsize}")
    if not given.no_combine and given.batchsize < 0:
        raise RuntimeError("dynamic batch om model detected, but dymbatch, dymdims or dymshape not set!")
    if given.outputSize is not None:
        inner.set_custom_outsize([int(part) for part in given.outputSize.split(",")])
    return session


def _batchsize(session: InferSession, given: Any) -> int:
    first = session.get_inputs()[0]
    if given.dymBatch:
        return int(given.dymBatch)
    for part in (given.dymDims or given.dymShape or "").split(";"):
        name, _, sizes = part.rpartition(":")
        if name == first.name:
            return int(sizes.split(",")[0])
    return int(first.shape[0])


def _prefix(given: Any, device: str | None) -> str | None:
    """The folder of the outputs, made; None where none are wanted."""
    if given.output is None:
        return None
    name = given.output_dirname or time.strftime("%Y_%m_%d-%H_%M_%S")
    prefix = os.path.join(given.output, name, device) if device else os.path.join(given.output, name)
    if not os.path.exists(prefix):
        os.makedirs(prefix, 0o755)
    if generation() >= 5:
        os.chmod(given.output, PERMISSION)
    return prefix


def _run(given: Any, words: Sequence[str], device: int, prefix: str | None, inputs: list[str] | None) -> float:
    session = _session(given, device)
    descs = session.get_inputs()
    if prefix is not None:
        say("INFO", f"output path:{prefix}")
    runs = files.batches(inputs, descs, given.no_combine)
    _warm_up(session, given, descs, runs[0])
    info: dict[str, Any] = {}
    sizes: list[int] = []
    for number, infiles in enumerate(runs):
        if given.run_mode == "files":
            feeds = [session.create_tensor_from_fileslist(d, files.real_names(f)) for d, f in zip(descs, infiles)]
        else:
            feeds = [files.content(f, d, given.pure_data_type, given.no_combine) for d, f in zip(descs, infiles)]
        _shape(session, given, feeds, sizes)
        if given.run_mode in ("tensor", "full"):
            feeds = [session.create_tensor_from_arrays_to_device(feed) for feed in feeds]
        outputs = session.run(feeds)
        session.convert_tensors_to_host(outputs)
        if prefix is not None:
            files.save(outputs, prefix, infiles, given.outfmt, number, given.output_batchsize_axis, info)
        done = 100 * (number + 1) // len(runs)
        sys.stdout.write(f"\rInference {given.run_mode} Processing: {done:3d}%|{number + 1}/{len(runs)}")
    sys.stdout.write("\n")
    times = [float(each) for each in session.summary().exec_time_list]
    if not times:
        raise RuntimeError("summary.get_list_info failed: inner error")
    batchsize = sum(sizes) / len(sizes) if sizes else given.batchsize
    h2d, d2h = MemorySummary.get_h2d_time_list(), MemorySummary.get_d2h_time_list()
    throughput = report(times, h2d, d2h, batchsize, prefix, given.display_all_summary, info, words)
    session.free_resource()
    InferSession.finalize()
    return throughput


def _warm_up(session: InferSession, given: Any, descs: Sequence[Any], infiles: Sequence[Sequence[str]]) -> None:
    count = {1: 5, 2: 1}.get(generation(), given.warmup_count)
    feeds = [files.content(names, desc, given.pure_data_type, given.no_combine) for desc, names in zip(descs, infiles)]
    _shape(session, given, feeds, [])
    session.set_loop_count(1)
    for _ in range(count):
        session.run(feeds, out_array=True)
    session.set_loop_count(given.loop)
    session.reset_summaryinfo()
    MemorySummary.reset()
    say("INFO", f"warm up {count} times done" if generation() == 1 else f"warm up {count} done")


def _shape(session: InferSession, given: Any, feeds: Sequence[Any], sizes: list[int]) -> None:
    """Take the shapes of the files for the model's, where that is wanted."""
    if not given.no_combine:
        return
    text = ";".join(
        "{}:{}".format(desc.name, ",".join(str(size) for size in feed.shape))
        for desc, feed in zip(session.get_inputs(), feeds)
    )
    (session.session.set_dynamic_shape if given.auto_set_dymshape_mode else session.session.set_dynamic_dims)(text)
    sizes.append(int(feeds[0].shape[0]))


def _of_device(given: Any, words: Sequence[str], number: int, inputs: list[str] | None, queue: Any) -> None:
    device = given.device[number]
    own = copy.copy(given)
    name = f"device{device}_{number}" if generation() >= 5 else f"device{device}"
    started = time.time()
    queue.put(number)
    try:
        throughput = _run(own, words, device, _prefix(own, name), inputs)
    except Exception as error:
        say("ERROR", f"subprocess run failed error_callback:{error}")
        return
    queue.put([number, throughput, started, time.time()])


def _several(given: Any, words: Sequence[str]) -> int:
    """One process a device; the input is divided in G4 and on demand, else every device gets all of it."""
    count = len(given.device)
    say("INFO", f"multidevice:{given.device} run begin")
    inputs = arguments.inputs(given)
    shares = [inputs] * count
    if inputs is not None and (generation() == 4 or getattr(given, "divide_input", False)):
        shares = _divided(inputs, count)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    given.output_dirname = given.output_dirname or time.strftime("%Y_%m_%d-%H_%M_%S")
    processes = [
        context.Process(target=_of_device, args=(given, words, number, shares[number], queue))
        for number in range(count)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    answers = []
    while not queue.empty():
        answers.append(queue.get())
    result = 0 if len(answers) == 2 * count else 1
    say("INFO", f"multidevice run end qsize:{len(answers)} result:{result}")
    done = [answer for answer in answers if isinstance(answer, list)]
    for number, throughput, start, end in done:
        line = f"i:{number} device_{given.device[number]} throughput:{throughput}" + " " * 17
        line += f"start_time:{start} end_time:{end}"
        if generation() >= 5:
            say("INFO", line)
        else:
            print(line)
    say("INFO", f"summary throughput:{sum(answer[1] for answer in done)}")
    return result


def _divided(inputs: Sequence[str], count: int) -> list[list[str] | None]:
    listed = [files.listed(each) if os.path.isdir(each) else [each] for each in inputs]
    per_input = listed if os.path.isdir(inputs[0]) else [[each[0] for each in listed]]
    shares: list[list[str]] = [[] for _ in range(count)]
    for names in per_input:
        size = -(-len(names) // count)
        for number in range(count):
            shares[number].extend(names[number * size : (number + 1) * size])
    return [share or None for share in shares]


def _range(given: Any, words: Sequence[str]) -> int:
    """Run each shape of a range in a process of its own; returns 0 whatever they do."""
    results = []
    for shape in _shapes(given.dymShape_range):
        run = subprocess.run(
            [sys.executable, "-m", "ais_bench", *words, "--dymShape=" + shape],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        sys.stdout.write(run.stdout)
        found = [line.split()[-1] for line in run.stdout.splitlines() if "throughput 1000" in line]
        results.append((shape, "OK" if found else "Failed", float(found[-1]) if found else 0))
        say("INFO", f"dymshape:{shape} end run result:{results[-1][1]}")
    good = [each[2] for each in results if each[1] == "OK"]
    say("INFO", "-----------------dyshape_range Performance Summary------------------")
    mean = np.mean(good) if good else 0
    say("INFO", f"run_count:{len(results)} success_count:{len(good)} avg_throughput:{mean}")
    for number, (shape, result, throughput) in enumerate(sorted(results, key=lambda each: -each[2])):
        say("INFO", f"{number} dymshape:{shape}  result:{result} throughput:{throughput}")
    say("INFO", "------------------------------------------------------")
    return 0


def _shapes(text: str) -> list[str]:
    """Every shape of ``a:1,3,224~226;b:1-4,16``: ``~`` is a range with an optional step, ``-`` a list."""
    named = []
    for part in text.split(";"):
        name, _, sizes = part.rpartition(":")
        choices = []
        for size in sizes.split(","):
            if "~" in size:
                numbers = [int(number) for number in size.split("~")]
                step = numbers[2] if len(numbers) == 3 else 1
                choices.append([str(number) for number in range(numbers[0], numbers[1] + 1, step)])
            else:
                choices.append(size.split("-"))
        named.append(["{}:{}".format(name, ",".join(each)) for each in itertools.product(*choices)])
    return [";".join(each) for each in itertools.product(*named)]


def _profile(given: Any, words: Sequence[str]) -> int:
    """Run itself under msprof; its status is not looked at."""
    command = "{} -m ais_bench {} --profiler=0 --warmup_count=0".format(sys.executable, " ".join(words))
    call = ["msprof", f"--output={given.output}/profiler", f"--application={command}", *MSPROF.split()]
    say("INFO", "msprof cmd:{} begin run".format(" ".join(call)))
    subprocess.call(call)
    say("INFO", "msprof cmd:{} end run".format(" ".join(call)))
    return 0
