"""The rows of the speed table: what gpu-check compiles ahead, and what `run` measures. Both import this."""

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
SMALL, LARGE = "smollm2-135m", "llama-8b"

# (method, branches, rank); the first is what the bars of issue 4 speak of.
ADAPTERS = [("multilora", 3, 32), ("multilora", 1, 96), ("multilora", 5, 32), ("lora", 1, 160), ("lora", 1, 16)]
PROGRAMS = [(LARGE, *adapter) for adapter in ADAPTERS] + [(SMALL, *adapter) for adapter in ADAPTERS] + [(SMALL, "ft", 1, 0)]
# On a GPU of 9.0 also with mma.sync's attention, which kernels for sm_90 have: what wgmma gains, and a number if it fails.
MMA_CHIP, MMA_PROGRAMS = "sm_90", [(LARGE, *ADAPTERS[0]), (SMALL, *ADAPTERS[0])]
BATCHES = [1, 4]  # sequences of LENGTH tokens
LENGTH = 2048

# Attention with wgmma beside mma.sync's on the same GPU (unit/goldens/WgmmaTest.cpp has the same request).
WGMMA_MODELS, WGMMA_CHIPS = ["heads-64", "heads-128"], ["sm_90a", MMA_CHIP]
WGMMA_TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "down_proj"]

# What the table should have and nothing makes yet: a line of the report each.
NOT_BUILT = [
    "no adapter (method none): there is no training program without anything trained",
    "goldens in bf16: the tests on the GPU are f32 so far, but for wgmma beside mma.sync",
    "op table on the device: its tests need the compiler, which is not in the folder",
]


def request(model, chip, dtype, method, branches, rank, alpha=None, targets=TARGETS):
    """request.json (docs/architecture.md) as mlora-run itself asks for the program."""
    adapted = method != "ft"
    return {"kind": "train", "model": str(model), "target": "cuda", "chip": chip, "dtype": dtype, "method": method,
            "num_branches": branches if adapted else 1, "lora_r": rank if adapted else 0,
            "lora_alpha": float(rank if alpha is None else alpha) if adapted else 0.0,
            "targets": list(targets) if adapted else []}
