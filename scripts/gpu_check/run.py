#!/usr/bin/env python3
"""Measures mlora on this machine's GPU: report.json and report.md in this folder (or the one that is named), in at most
8 minutes. Needs NVIDIA's driver, CUDA 13's libraries and Python's standard library; PyTorch is measured beside it where
Python has it. A part that fails is a line of the report.

    run [FOLDER]"""
import ctypes, glob, json, os, pathlib, shutil, subprocess, sys, tarfile, tempfile, threading, time

import table

HERE = pathlib.Path(__file__).resolve().parent
DEADLINE = time.monotonic() + 8 * 60 - 15  # what is left writes the report
NO_TIME = "not run: the 8 minutes were over"


def command(words, limit, env=None):
    """(standard output, None) or (what there is of it, why it failed); never later than the deadline."""
    limit = min(limit, DEADLINE - time.monotonic())
    if limit < 2:
        return "", NO_TIME
    try:
        done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=limit, env=env)
    except subprocess.TimeoutExpired:
        return "", f"took longer than {limit:.0f} s"
    except OSError as error:
        return "", str(error)
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        return done.stdout, f"status {done.returncode}: {' '.join(last)}"
    return done.stdout, None


def cuda_folders():
    """Where cuBLASLt may lie besides where the loader looks: CUDA's own folder, or a wheel's."""
    patterns = ["/usr/local/nvidia/lib64", "/usr/local/cuda*/lib64", "/usr/local/cuda*/targets/*/lib"]
    out, _ = command([sys.executable, "-c", "import nvidia; print(*nvidia.__path__)"], 20)
    patterns += [f"{folder}/*/lib" for folder in out.split()]
    found = [folder for pattern in patterns for folder in sorted(glob.glob(pattern))]
    return [folder for folder in found if glob.glob(f"{folder}/libcublasLt.so*") or glob.glob(f"{folder}/libcuda.so*")]


def environment(work):
    """Unpacked, the bundles are this user's own, as mlora-run wants them."""
    for name in ("lib", "bundles"):
        with tarfile.open(HERE / f"{name}.tar.gz") as tar:
            for member in tar.getmembers():
                member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
                member.mode &= 0o755
                tar.extract(member, work)
    libraries = [f"{work}/lib", *cuda_folders(), *filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(":"))]
    return dict(os.environ, LD_LIBRARY_PATH=":".join(libraries), MLORA_BUNDLES=f"{work}/bundles", MLORA_CACHE=f"{work}/cache",
                MLORA_OPT="/no compiler here", MLORA_GOLDENS=str(HERE / "goldens"))


def has_driver():
    try:
        return ctypes.CDLL("libcuda.so.1").cuInit(0) == 0
    except OSError:
        return False


def goldens(work, env):
    out = f"{work}/goldens.json"
    # Without a driver each test skips itself, and says why.
    _, problem = command([HERE / "bin/mlora-unit-goldens", "--gtest_filter=*GoldenCuda*:*WgmmaCuda*", f"--gtest_output=json:{out}"], 120, env)
    rows = []
    if os.path.exists(out):
        for suite in json.load(open(out))["testsuites"]:
            for test in suite["testsuite"]:
                messages = [failure["failure"] for failure in test.get("failures", [])]
                messages += [skip["message"] for skip in test.get("skipped", [])]
                is_skipped = test.get("skipped") or test.get("result") == "SKIPPED"  # older googletest gives no message
                result = "failed" if test.get("failures") else "skipped" if is_skipped else "passed"
                rows.append({"name": f"{suite['name']}.{test['name']}", "result": result, "message": " ".join(messages)[:600]})
    return {"problem": problem, "tests": rows}


class MemoryWatch(threading.Thread):
    """The most memory of the GPU that was taken while something ran, beyond what was before."""

    def __init__(self):
        super().__init__(daemon=True)
        self.first, self.most, self.over = self.used(), 0, threading.Event()

    @staticmethod
    def used():
        out, problem = command(["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits", "--id=0"], 10)
        return None if problem else int(out.split()[0])

    def run(self):
        while not self.over.wait(0.5):
            self.most = max(self.most, self.used() or 0)

    def mebibytes(self):
        self.over.set()
        return None if self.first is None or not self.most else self.most - self.first


def watched(words, limit, env=None):
    watch = MemoryWatch()
    watch.start()
    out, problem = command(words, limit, env)
    try:
        result = json.loads(out[out.index("{"):]) if not problem else {"problem": problem}
    except ValueError:
        result = {"problem": "printed no JSON"}
    result["gpu_memory_mib"] = watch.mebibytes()
    return result


def bench(model, method, branches, rank, batch, chip, env):
    words = [HERE / "bin/mlora-run", "bench", f"model_name_or_path={HERE}/models/{model}", "weights=random", "device=cuda",
             f"chip={chip}", "dtype=bf16", f"method={method}", f"max_length={table.LENGTH}", f"per_device_train_batch_size={batch}", "steps=5", "--json"]
    if method != "ft":
        words += [f"lora_r={rank}"] + ([f"num_branches={branches}"] if method == "multilora" else [])
    result = watched(words, 60, env)
    return {"model": model, "method": method, "branches": branches, "rank": rank, "batch": batch, "chip": chip, **result}


def peer(model, method, branches, rank, batch):
    if not (HERE / "peft_train.py").exists():
        return {"problem": "peft_train.py is not in the folder"}
    return watched([sys.executable, HERE / "peer.py", "train", HERE / "models" / model, "--method", method, "--n", branches, "--r", rank,
                    "--seq", table.LENGTH, "--batch", batch, "--dtype", "bfloat16", "--device", "cuda", "--steps", "5"], 60)


def add_roofline(row, limits):
    """A kernel's limit: its products at the measured rate of products, or its bytes at that of copies."""
    if "gemm_tflops" not in limits or "kernels" not in row:
        return
    row["share_of_gemm_rate"] = row["model_gflops"] / (limits["gemm_tflops"] * 1e3)
    for kernel in row["kernels"]:
        flops = kernel["gflops"] * 1e9 * kernel["milliseconds"] / 1e3
        kernel["limit_milliseconds"] = max(flops / (limits["gemm_tflops"] * 1e12),
                                           kernel["megabytes"] * 1e6 / (limits["copy_gb_per_second"] * 1e9)) * 1e3


def measure(report, work, save):
    env = environment(work)
    report["driver"] = has_driver()
    smi, problem = command(["nvidia-smi", "--query-gpu=name,driver_version,memory.total,clocks.max.sm", "--format=csv,noheader"], 20)
    report["machine"] = {"nvidia_smi": smi.strip() or problem, "system": " ".join(os.uname()), "python": sys.version.split()[0],
                         "cuda_folders": cuda_folders()}
    report["goldens"] = goldens(work, env)
    save()
    if not report["driver"]:
        report["not_run"].insert(0, "no driver: speed, memory, rooflines and PyTorch were not measured")
        return
    report["limits"] = watched([sys.executable, HERE / "peer.py", "limits"], 60)
    save()
    capability, _ = command(["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader", "--id=0"], 20)
    # What is asked about most comes first: time may end.
    order = [(batch, program, "auto") for batch in table.BATCHES for program in table.PROGRAMS]
    if capability.strip() == "9.0":
        order += [(1, program, table.MMA_CHIP) for program in table.MMA_PROGRAMS]
    for batch, program, chip in sorted(order, key=lambda row: (row[0], row[2] != "auto")):
        row = bench(*program, batch, chip, env)
        add_roofline(row, report["limits"])
        report["speed"].append(row)
        if batch == 1 and chip == "auto" and (program[2], program[3]) in ((3, 32), (1, 160)):
            report["peers"].append({"model": program[0], "method": program[1], "branches": program[2], "rank": program[3],
                                    "batch": batch, **peer(*program, batch)})
        save()


def number(value, pattern="{:.0f}"):
    return "-" if value is None else pattern.format(value)


def model_of(row):
    return row["model"] if row["chip"] == "auto" else f"{row['model']}, chip={row['chip']}"


def page(report):
    lines = ["# mlora on this machine's GPU", "", f"{report['machine'].get('nvidia_smi', '')}; {report['seconds']:.0f} s", ""]
    if not report["driver"]:
        lines += ["**no driver**: libcuda.so.1 is not here or finds no GPU. Nothing below is of a GPU.", ""]
    tests = report["goldens"].get("tests", [])
    counts = {result: sum(test["result"] == result for test in tests) for result in ("passed", "failed", "skipped")}
    lines += ["## Golden tests", "", ", ".join(f"{count} {result}" for result, count in counts.items()), ""]
    if report["goldens"].get("problem"):
        lines += [f"- problem: {report['goldens']['problem']}"]
    lines += [f"- {test['name']}: {test['result']}: {test['message']}" for test in tests if test["result"] != "passed"]
    lines += ["", "## Not run", ""] + [f"- {text}" for text in report["not_run"]]
    limits = report["limits"]
    if limits:
        lines += ["", "## Limits, measured", "", limits.get("problem") or
                  f"bf16 products {limits['gemm_tflops']:.0f} TFLOP/s, copies {limits['copy_gb_per_second']:.0f} GB/s (PyTorch {limits['torch']})"]
    if report["speed"]:
        lines += ["", "## Speed (bf16, random weights)", "", "| model | method | n | r | tokens | tokens/s | of GEMM rate | memory MiB | planned MiB |", "|" + "---|" * 9]
    for row in report["speed"]:
        start = f"| {model_of(row)} | {row['method']} | {row['branches']} | {row['rank']} | {row['batch']} x {table.LENGTH} |"
        if "problem" in row:
            lines.append(f"{start} {row['problem']} | | | |")
            continue
        planned = row["planned"]["arena_mib"] + row["planned"]["scratch_mib"]
        lines.append(f"{start} {row['tokens_per_second']:.0f} | {number(row.get('share_of_gemm_rate'), '{:.2f}')} | {number(row['gpu_memory_mib'])} | {planned:.0f} |")
    if report["peers"]:
        lines += ["", "## PyTorch and PEFT on the same work", "", "| model | method | n | r | tokens/s | memory MiB |", "|" + "---|" * 6]
    for row in report["peers"]:
        lines.append(f"| {row['model']} | {row['method']} | {row['branches']} | {row['rank']} | {row.get('problem') or row['tokens_per_second']} | {number(row.get('gpu_memory_mib'))} |")
    for row in report["speed"]:
        if "kernels" in row:
            lines += ["", f"## Kernels: {model_of(row)} {row['method']} n={row['branches']} r={row['rank']} {row['batch']} x {table.LENGTH}", "",
                      "| kernel | calls | ms a step | roofline, ms | GFLOP/s | MB |", "|" + "---|" * 6]
            lines += [f"| {kernel['name']} | {kernel['calls']:.0f} | {kernel['milliseconds']:.3f} | {number(kernel.get('limit_milliseconds'), '{:.3f}')} | {kernel['gflops']:.0f} | {kernel['megabytes']:.1f} |"
                      for kernel in row["kernels"]]
    return "\n".join(lines) + "\n"


def main():
    out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else HERE)
    out.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    report = {"driver": False, "machine": {}, "goldens": {}, "limits": {}, "speed": [], "peers": [], "not_run": list(table.NOT_BUILT)}

    def save():
        report["seconds"] = time.monotonic() - start
        for name, text in (("report.json", json.dumps(report, indent=1)), ("report.md", page(report))):
            (out / f".{name}").write_text(text)
            (out / f".{name}").replace(out / name)

    work = tempfile.mkdtemp(prefix="mlora-gpu-check-")
    try:
        measure(report, work, save)
    except Exception as error:  # whatever it is, what was measured stays
        report["not_run"].insert(0, f"stopped by {type(error).__name__}: {error}")
    finally:
        shutil.rmtree(work, ignore_errors=True)
    save()
    print(f"report: {out}/report.md")


main()
