"""scripts/gpu-check: makes the folder, then checks all of it that needs no GPU."""
import argparse, concurrent.futures, json, os, pathlib, shutil, subprocess, sys, tarfile, tempfile

import table

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
SHARED = ROOT.parent / "shared"
WGMMA = ROOT / "unit/goldens/wgmma"
LIMIT = 50 << 20
# Every Linux that has a driver has these.
SYSTEM = ("linux-vdso", "ld-linux", "libc.so", "libm.so", "libdl.so", "libpthread.so", "librt.so")


def say(text):
    print(f"gpu-check: {text}", flush=True)


def fail(text):
    sys.exit(f"gpu-check: error: {text}")


def golden_cases(tiny_only):
    """(place in the folder, case) of the cases that unit/goldens runs on a GPU."""
    cases = [(f"goldens/tiny/{name}", ROOT / "unit/goldens/tiny" / name) for name in ("multilora", "lora", "ft")]
    for name in () if tiny_only else ("stories260k", "llama3-tiny", "packed"):
        case = SHARED / "data/goldens" / name
        if case.is_dir():
            cases.append((f"goldens/shared/{name}", case))
        else:
            say(f"{case} is not there: the folder is made without it")
    return cases


def golden_request(case, chip, dtype):
    info = json.loads((case / "case.json").read_text())
    model = (case / info.get("model", "model")).resolve()
    if info["method"] == "ft":
        return table.request(model / "config.json", chip, dtype, "ft", 1, 0)
    return table.request(model / "config.json", chip, dtype, info["method"], info["num_branches"], info["lora_r"],
                         info["lora_alpha"], info["lora_target_modules"])


def all_requests(cases, chips, rows):
    found = []
    for chip in chips:
        found += [golden_request(case, chip, dtype) for _, case in cases for dtype in ("f32", "bf16")]
        found += [table.row_request(row, model_config(row["model"]), chip) for row in rows if row["chip"] == "auto"]
    found += [table.row_request(row, model_config(row["model"]), row["chip"]) for row in rows
              if row["chip"] != "auto" and "sm_90a" in chips]
    if "sm_90a" in chips:
        found += [table.request(WGMMA / model / "config.json", chip, "bf16", "multilora", 2, 4, 4, table.WGMMA_TARGETS)
                  for model in table.WGMMA_MODELS for chip in table.WGMMA_CHIPS]
    return found


def model_config(name):
    return ROOT / "unit/goldens/tiny/model/config.json" if name == "tiny" else HERE / f"models/{name}.json"


def compile_ahead(build, requests, bundles):
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, request in enumerate(requests):
            files.append(f"{folder}/{number}.json")
            pathlib.Path(files[-1]).write_text(json.dumps(request))
        say(f"compiling {len(files)} programs ahead")
        done = subprocess.run([build / "bin/mlora-bundles", bundles, *files])
    if done.returncode:
        fail("a program could not be compiled: see the message above")


def libraries(programs):
    """The shared objects that the programs load, by the names they ask for."""
    found = {}
    for program in programs:
        for line in subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout.splitlines():
            words = line.split()
            if "not found" in line:
                fail(f"{program}: {words[0]} is not found")
            if len(words) > 2 and words[1] == "=>" and not words[0].startswith(SYSTEM):
                found[words[0]] = os.path.realpath(words[2])
    return found


def assemble(files):
    """(PTX, chip, where the machine code goes) of each through ptxas; False where there is none. What spills is said: such a
    kernel is right, but slower than it should be."""
    ptxas = shutil.which("ptxas")
    if not ptxas:
        say("NOT RUN: ptxas is not on PATH, so that no PTX was assembled: the GPU's driver compiles it there, which takes long")
        return False

    def run(file):
        ptx, chip, cubin = file
        done = subprocess.run([ptxas, "-v", f"-arch={chip}", "-o", cubin, ptx], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        logs = list(threads.map(run, files))
    for (ptx, chip, _), (status, log) in zip(files, logs):
        if status:
            fail(f"{ptx}: ptxas refuses it for {chip}:\n{log[-2000:]}")
        kernel = ""
        for line in log.splitlines():
            if "Compiling entry function" in line:
                kernel = line.split("'")[1]
            elif "bytes spill" in line and " 0 bytes spill stores" not in line:
                say(f"SPILLS: {chip}, {ptx.parent.name} {ptx.name}, {kernel}: {line.strip()}")
    return True


def assemble_bundles(build, bundles):
    say("assembling every bundle's PTX")
    files = []
    for manifest in sorted(bundles.glob("*/manifest.json")):
        info = json.loads(manifest.read_text())
        if "ptx" in info:  # not the CPU's
            files.append((manifest.parent / info["ptx"], info["chip"], manifest.parent / "program.cubin"))
    if assemble(files):
        subprocess.run([build / "bin/mlora-bundles", "--add-cubins", bundles], check=True, stdout=subprocess.DEVNULL)
    say("checking the bundles' hashes")
    subprocess.run([build / "bin/mlora-bundles", "--check", bundles], check=True, stdout=subprocess.DEVNULL)


def chip_of_bundle(bundle):
    return json.loads((bundle / "manifest.json").read_text())["chip"]


def op_table(build, chips, folder):
    """Every op's cases, compiled for each chip, with the f64 reference's results."""
    say("compiling the op table")
    for chip in chips:
        if subprocess.run([build / "bin/mlora-write-op-table", folder, chip]).returncode:
            fail(f"the op table could not be compiled for {chip}: see the message above")
    assemble([(ptx, chip, ptx.with_suffix(".cubin")) for chip in chips for ptx in sorted((folder / chip).glob("*.ptx"))])


def pack(archive, entries):
    """Archives, since libraries and PTX are most of the bytes and shrink to a fifth."""
    with tarfile.open(archive, "w:gz", compresslevel=6) as tar:
        for name, path in sorted(entries):
            tar.add(path, arcname=name)


def files_of(folder, name):
    """(name in an archive, path) of all files."""
    return [(f"{name}/{path.relative_to(folder)}", path) for path in folder.rglob("*") if path.is_file()]


def size_of(out):
    return sum(path.stat().st_size for path in out.rglob("*") if path.is_file())


def pack_cubins(out, cubins):
    """Machine code is as large as PTX and can be done without: as much as the limit leaves, in archives of their own. `cubins`:
    (what, entries), those that gain most first."""
    for number, (what, entries) in enumerate(cubins):
        archive = out / f"cubins-{number}.tar.gz"
        pack(archive, entries)
        if size_of(out) > LIMIT:
            archive.unlink()
            say(f"left out for its size: machine code of {what}, whose PTX the GPU's driver will compile")


def make(options):
    build, out = options.build.resolve(), options.out
    programs = [build / "bin" / name for name in ("mlora-run", "mlora-unit-goldens", "mlora-op-table", "mlora-gpu-check")]
    for program in [*programs, build / "bin/mlora-bundles", build / "bin/mlora-opt", build / "bin/mlora-write-op-table"]:
        if not program.exists():
            fail(f"{program} is not built: run scripts/build")
    shutil.rmtree(out, ignore_errors=True)
    for name in ("bin", "models"):
        (out / name).mkdir(parents=True)
    for program in programs:
        shutil.copy2(program, out / "bin")
        subprocess.run(["strip", out / "bin" / program.name], check=True)
    cases = golden_cases(options.tiny)
    for place, case in cases:
        shutil.copytree(case, out / place, ignore=shutil.ignore_patterns("peft", "adapter_final.*"))
    shutil.copytree(ROOT / "unit/goldens/tiny/model", out / "goldens/tiny/model")
    shutil.copytree(WGMMA, out / "goldens/wgmma")
    rows = table.rows(options.tiny)
    (out / "plan.json").write_text(json.dumps({"parts": table.PARTS, "rows": rows, "not_built": table.NOT_BUILT}, indent=1))
    for model in {row["model"] for row in rows}:
        (out / "models" / model).mkdir()
        shutil.copy(model_config(model), out / "models" / model / "config.json")
    for name in ("run", "peer.py"):
        shutil.copy(HERE / name, out)
    (out / "run").chmod(0o755)
    if (SHARED / "anchors/peft_train.py").exists():
        shutil.copy(SHARED / "anchors/peft_train.py", out)
    else:
        say(f"{SHARED}/anchors/peft_train.py is not there: PyTorch will not be measured beside it")
    with tempfile.TemporaryDirectory() as folder:
        bundles = pathlib.Path(folder) / "bundles"
        compile_ahead(build, all_requests(cases, options.chip, rows), bundles)
        assemble_bundles(build, bundles)
        optable = pathlib.Path(folder) / "optable"
        op_table(build, options.chip, optable)
        pack(out / "lib.tar.gz", [(f"lib/{name}", path) for name, path in libraries(programs).items()])
        cubins = []
        for name, packed, chip_of in (("bundles", bundles, lambda path: chip_of_bundle(path.parent)),
                                      ("optable", optable, lambda path: path.parent.name)):
            entries = files_of(packed, name)
            pack(out / f"{name}.tar.gz", [entry for entry in entries if entry[1].suffix != ".cubin"])
            for chip in ("sm_90a", "sm_90", *options.chip):
                found = [entry for entry in entries if entry[1].suffix == ".cubin" and chip_of(entry[1]) == chip]
                if found and (f"{name} for {chip}", found) not in cubins:
                    cubins.append((f"{name} for {chip}", found))
        # First those of the GPU that this is made for.
        pack_cubins(out, sorted(cubins, key=lambda cubin: "sm_90" not in cubin[0]))
    size = size_of(out)
    say(f"{out}: {size / 2**20:.1f} MiB, chips {' '.join(options.chip)}")
    if size > LIMIT:
        fail(f"the folder is larger than {LIMIT >> 20} MiB: give fewer --chip")


def try_here(out):
    """`run` must end with a report everywhere."""
    done = subprocess.run([out / "run"], timeout=600)
    report = out / "report.json"
    if done.returncode or not report.exists():
        fail(f"{out}/run ended with status {done.returncode} and {'a' if report.exists() else 'no'} report")
    found = json.loads(report.read_text())
    failed = [f"{row['device']} {row['model']}: {row['problem']}" for row in found["speed"] if "problem" in row]
    if failed:
        fail(f"a row of the speed table failed: {failed[0]}")
    if found["machine"]["driver"]:
        say(f"this machine has a GPU: the report is {out}/report.md")
    else:
        say("NOT RUN: no driver here, so that no kernel ran, no golden was compared and no speed was measured; carry "
            f"{out} to a machine with an NVIDIA GPU and run {out.name}/run there")


def main():
    parser = argparse.ArgumentParser(prog="gpu-check", description="Makes a folder to run on a machine with a GPU.")
    parser.add_argument("--chip", action="append", help="a chip to compile for (default: sm_80 and sm_90a)")
    parser.add_argument("--tiny", action="store_true", help="the golden cases of this repository alone")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release", help="where the programs were built")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/gpu-check")
    options = parser.parse_args()
    options.chip = options.chip or ["sm_80", "sm_90a"]
    options.out = options.out.resolve()
    make(options)
    try_here(options.out)


main()
