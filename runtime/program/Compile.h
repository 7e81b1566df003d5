// Running the compiler as a process.
#pragma once

#include <filesystem>

namespace mlora {

/// `compiler --mlora-compile=request --mlora-bundle=folder`, without input or output. Throws Error(Failed)
/// that ends in what it wrote to stderr when it does not exit with 0.
void runCompiler(const std::filesystem::path &compiler, const std::filesystem::path &request,
                 const std::filesystem::path &folder);

} // namespace mlora
