// The one error type of the runtime's boundary, and the exit status that it means.
#pragma once

#include <stdexcept>
#include <string>

namespace mlora {

/// Status that `mlora-run` exits with (CLI.md).
enum class Status { Ok = 0, Failed = 1, BadInput = 2, Interrupted = 130 };

/// Says what was wrong, where (file, tensor, line), what was expected and what to do, in one or two
/// sentences.
class Error : public std::runtime_error {
public:
  Error(Status status, const std::string &message) : std::runtime_error(message), status(status) {}
  const Status status;
};

/// A mistake in the command, the configuration or an input file: the user can mend it.
[[noreturn]] inline void badInput(const std::string &message) { throw Error(Status::BadInput, message); }

/// The work itself failed: disk full, not-finite loss, out of memory.
[[noreturn]] inline void failed(const std::string &message) { throw Error(Status::Failed, message); }

} // namespace mlora
