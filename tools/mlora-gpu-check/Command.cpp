#include "Command.h"

#include "mlora/Runtime/Core/Files.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace gpucheck {
namespace {

std::string lastLine(const std::string &text) {
  size_t end = text.find_last_not_of(" \n");
  if (end == std::string::npos)
    return {};
  size_t begin = text.rfind('\n', end);
  return text.substr(begin == std::string::npos ? 0 : begin + 1, end - (begin == std::string::npos ? 0 : begin + 1) + 1);
}

/// A child in a process group of its own, ended with all that it started.
class Child {
public:
  Child(const std::vector<std::string> &words, const std::string &out, const std::string &err) {
    std::vector<char *> arguments;
    for (const std::string &word : words)
      arguments.push_back(const_cast<char *>(word.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&files, 1, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&files, 2, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    error = posix_spawnp(&pid, arguments[0], &files, &attributes, arguments.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
  }
  bool isOver() { return error || waitpid(pid, &status, WNOHANG) == pid; }
  void end() {
    kill(-pid, SIGKILL);
    waitpid(pid, &status, 0);
  }
  /// Empty: it ended well.
  std::string problem(const std::string &message) const {
    if (error)
      return std::string("cannot be started: ") + std::strerror(error);
    std::string more = message.empty() ? "" : ": " + message;
    if (WIFSIGNALED(status))
      return std::string("ended by signal ") + strsignal(WTERMSIG(status)) + more;
    return WEXITSTATUS(status) == 0 ? "" : "status " + std::to_string(WEXITSTATUS(status)) + more;
  }

private:
  pid_t pid = -1;
  int error = 0, status = 0;
};

} // namespace

Outcome Commands::run(const std::vector<std::string> &words, double limitSeconds) const {
  double limit = std::min(limitSeconds, secondsUntil(deadline));
  if (limit < 2)
    return {"", "not run: the time was over"};
  std::string out = folder / "stdout", err = folder / "stderr";
  Child child(words, out, err);
  Clock::time_point start = Clock::now();
  bool isOver = false;
  while (!(isOver = child.isOver()) && std::chrono::duration<double>(Clock::now() - start).count() < limit)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  if (!isOver)
    child.end();
  Outcome outcome;
  auto textOf = [](const std::string &path) {
    return std::filesystem::exists(path) ? mlora::readFile(path) : std::string();
  };
  outcome.output = textOf(out);
  std::string message = lastLine(textOf(err));
  if (message.empty())
    message = lastLine(outcome.output);
  outcome.problem =
      isOver ? child.problem(message) : "took longer than " + std::to_string(int(limit)) + " s";
  return outcome;
}

nlohmann::ordered_json Commands::json(const std::vector<std::string> &words, double limitSeconds) const {
  Outcome outcome = run(words, limitSeconds);
  if (!outcome.problem.empty())
    return {{"problem", outcome.problem}};
  size_t begin = outcome.output.find('{');
  auto found = nlohmann::ordered_json::parse(
      begin == std::string::npos ? std::string() : outcome.output.substr(begin), nullptr, false);
  return found.is_object() ? found : nlohmann::ordered_json{{"problem", "printed no JSON"}};
}

} // namespace gpucheck
