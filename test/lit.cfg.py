"""lit: which files are tests, which tools they may call, what they may require."""

import os
import shutil

import lit.formats

config.name = "mlora"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.join(config.mlora_source, "test")
roundtrip = bool(lit_config.params.get("roundtrip"))
# Runs may be side by side: each has temporary files of its own.
config.test_exec_root = os.path.join(config.mlora_build, "test-roundtrip" if roundtrip else "test")

binaries = os.path.join(config.mlora_build, "bin")
config.environment["PATH"] = os.pathsep.join([binaries, config.llvm_tools, os.environ["PATH"]])
config.environment["FILECHECK_OPTS"] = "--dump-input=fail"

# Real models and goldens lie beside the checkout; tests that need them say `REQUIRES: shared-data`.
shared = os.path.realpath(os.path.join(config.mlora_source, "..", "shared"))
config.substitutions.append(("%shared", shared))
if os.path.isdir(os.path.join(shared, "data")):
    config.available_features.add("shared-data")

# `mlora-opt` in a RUN line, and not as part of a longer word.
mlora_opt = os.path.join(binaries, "mlora-opt") + (" --verify-roundtrip" if roundtrip else "")
config.substitutions.append((r"(?<![-/.\w])mlora-opt(?![-.\w])", mlora_opt))
# NVIDIA's assembler, where there is one: tests that need it say `REQUIRES: ptxas`.
ptxas = shutil.which("ptxas") or shutil.which("ptxas", path="/usr/local/cuda/bin")
if ptxas:
    config.available_features.add("ptxas")
    config.substitutions.append((r"(?<![-/.\w])ptxas(?![-.\w:])", ptxas))
if os.path.exists(os.path.join(binaries, "mlora-run")):
    config.available_features.add("mlora-run")
