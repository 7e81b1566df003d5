// What `main` of mlora-run does.
#pragma once

namespace mlora {

/// Finds the command, reads its arguments, runs it. Errors become one message on stderr and the exit status
/// of CLI.md.
int runCommandLine(int argc, const char *const *argv);

} // namespace mlora
