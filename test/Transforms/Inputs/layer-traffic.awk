# Megabytes of a decoder layer of Llama 3.1 8B without adapters, 2,048 rows of bf16 (docs/gpu.md): weights twice, and per row
# forward 19 D + 6 K + 6 F, backward 21 D + 8 K + 8 F elements, with D = 4096, K = 1024 (key and value), F = 14336.
{ with += $4 }
END {
  weights = 2 * (2 * 4096 * 4096 + 2 * 1024 * 4096 + 3 * 14336 * 4096)
  rows = 2048 * (40 * 4096 + 14 * 1024 + 14 * 14336)
  without = 2 * (weights + rows) / 1e6
  printf "%.1f MB with adapters, %.1f without, ratio %.3f: %s 1.2\n", with, without, with / without, with <= 1.2 * without ? "within" : "ABOVE"
}
