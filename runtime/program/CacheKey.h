// Everything that decides what the compiler would write, as one hash.
#pragma once

#include "mlora/Runtime/Program/ProgramRequest.h"

namespace mlora {

/// xxh3-128 over the request (without the model's path), the model's configuration, the compiler's identity
/// and this CPU.
std::string cacheKey(const ProgramRequest &request, const std::filesystem::path &compiler);

/// What the compiler reads of a model's configuration, the same text whatever file it comes from.
std::string canonicalConfiguration(const std::filesystem::path &model);

} // namespace mlora
