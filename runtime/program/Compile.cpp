#include "Compile.h"

#include "mlora/Runtime/Core/Error.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mlora {
namespace {

/// Everything that is written to a pipe until its other end closes.
std::string drain(int descriptor) {
  std::string text;
  char buffer[4096];
  ssize_t count;
  while ((count = read(descriptor, buffer, sizeof buffer)) > 0 || (count < 0 && errno == EINTR))
    if (count > 0)
      text.append(buffer, size_t(count));
  return text;
}

std::string outcome(int status) {
  if (WIFSIGNALED(status))
    return std::string("was ended by signal ") + strsignal(WTERMSIG(status));
  return "failed with status " + std::to_string(WEXITSTATUS(status));
}

} // namespace

void runCompiler(const std::filesystem::path &compiler, const std::filesystem::path &request,
                 const std::filesystem::path &folder) {
  std::string name = compiler.string(), input = "--mlora-compile=" + request.string(),
              output = "--mlora-bundle=" + folder.string();
  char *arguments[] = {name.data(), input.data(), output.data(), nullptr};

  int messages[2];
  if (pipe2(messages, O_CLOEXEC) != 0)
    failed(std::string("cannot make a pipe: ") + std::strerror(errno));
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_adddup2(&files, messages[1], 2);
  pid_t child = -1;
  int error = posix_spawn(&child, name.c_str(), &files, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&files);
  close(messages[1]);
  if (error) {
    close(messages[0]);
    failed("the compiler " + name + " cannot be started: " + std::strerror(error) +
           ": build it (scripts/build) or name it in MLORA_OPT");
  }
  std::string text = drain(messages[0]);
  close(messages[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR)
    ;
  // Status 2: the request is at fault, and the message is for whoever made it.
  if (WIFEXITED(status) && WEXITSTATUS(status) == 2 && text.starts_with("error: "))
    badInput(text.substr(7, text.find_last_not_of('\n') - 6));
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    failed("the compiler " + name + " " + outcome(status) + (text.empty() ? "" : ":\n" + text));
}

} // namespace mlora
