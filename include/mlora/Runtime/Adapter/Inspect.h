// What a file or folder holds, as JSON; nothing of it is run.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

namespace mlora {

/// Describes a checkpoint (HF folder, .gguf), an adapter folder (ours or PEFT's), a .safetensors file, a GGUF
/// file that is no llama model, or a bundle (its manifest only: machine code is never loaded). "kind" says
/// which. Throws Error(BadInput) for anything else.
nlohmann::ordered_json inspect(const std::filesystem::path &path);

} // namespace mlora
