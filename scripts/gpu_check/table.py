"""The rows of the speed table: what gpu-check compiles ahead, and what `run` measures (plan.json)."""

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
SMALL, LARGE = "smollm2-135m", "llama-8b"

# (method, branches, rank); the first is what the bars of issue 4 speak of.
ADAPTERS = [("multilora", 3, 32), ("multilora", 1, 96), ("multilora", 5, 32), ("lora", 1, 160), ("lora", 1, 16)]
# Without an adapter: forward and backward of the activations down to the embedding, no optimizer.
NONE = ("none", 1, 0)
PROGRAMS = ([(model, *adapter) for model in (LARGE, SMALL) for adapter in (*ADAPTERS, NONE)] + [(SMALL, "ft", 1, 0)])
# On a GPU of 9.0 also with mma.sync's attention, which kernels for sm_90 have: what wgmma gains, and a number if it fails.
MMA_CHIP, MMA_PROGRAMS = "sm_90", [(LARGE, *ADAPTERS[0]), (SMALL, *ADAPTERS[0])]
PEERS = [ADAPTERS[0], ADAPTERS[3], NONE]  # what PyTorch does, too
BATCHES = [1, 4]  # sequences of LENGTH tokens
LENGTH = 2048

# Attention with wgmma beside mma.sync's on the same GPU (unit/goldens/WgmmaTest.cpp has the same request).
WGMMA_MODELS, WGMMA_CHIPS = ["heads-64", "heads-128"], ["sm_90a", MMA_CHIP]
WGMMA_TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "down_proj"]

# What the table should have and nothing makes yet: a line of the report each.
NOT_BUILT = []


# In the order in which they are measured, since time may end; `run FOLDER PART...` does some of them. Times of the op table
# are taken apart from its values, which come from processes side by side.
PARTS = ["goldens", "first", "op_table", "8b", "peers", "small", "8b-4", "small-4", "op_times"]


def rows(tiny_only):
    """Of plan.json, in the order in which they are measured in their parts. The tiny folder rehearses on the CPU."""
    if tiny_only:
        return [row("first", "cpu", "f32", "tiny", *program, 1, 16) for program in (("multilora", 2, 3), NONE)]
    found = [row("first", "cuda", "bf16", *PROGRAMS[0], 1, LENGTH, peer=True)]
    found += [row("first", "cuda", "bf16", *program, 1, LENGTH, MMA_CHIP) for program in MMA_PROGRAMS]
    for batch in BATCHES:
        for program in PROGRAMS[1 if batch == 1 else 0:]:
            part = ("8b" if program[0] == LARGE else "small") + ("" if batch == 1 else f"-{batch}")
            found.append(row(part, "cuda", "bf16", *program, batch, LENGTH, peer=batch == 1 and program[1:] in PEERS))
    return found


def row(part, device, dtype, model, method, branches, rank, batch, length, chip="auto", peer=False):
    return {"part": part, "device": device, "chip": chip, "dtype": dtype, "model": model, "method": method, "branches": branches,
            "rank": rank, "batch": batch, "length": length, "peer": peer}


def row_request(row, model, chip):
    """The program that `mlora-run bench` asks for in a row."""
    return request(model, chip, row["dtype"], row["method"], row["branches"], row["rank"], device=row["device"])


def request(model, chip, dtype, method, branches, rank, alpha=None, targets=TARGETS, device="cuda"):
    """request.json (docs/architecture.md) as mlora-run itself asks for the program."""
    adapted = method not in ("ft", "none")
    found = {"kind": "train", "model": str(model), "target": device, "dtype": dtype, "method": method,
            "num_branches": branches if adapted else 1, "lora_r": rank if adapted else 0,
            "lora_alpha": float(rank if alpha is None else alpha) if adapted else 0.0,
            "targets": list(targets) if adapted else []}
    if device == "cuda":
        found["chip"] = chip
    return found
