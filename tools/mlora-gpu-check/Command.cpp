#include "Command.h"

#include "mlora/Runtime/Core/Files.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fstream>
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

std::string endOf(const std::string &text, size_t bytes) {
  return text.size() <= bytes ? text : "[...]" + text.substr(text.size() - bytes);
}

constexpr size_t keptInReport = 2 << 10, keptInLog = 64 << 10;

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

Outcome Commands::run(const std::vector<std::string> &words, double limitSeconds) {
  double limit = std::min(limitSeconds, secondsUntil(deadline));
  if (limit < 2)
    return {"", "not run: the time was over", ""};
  std::string number = std::to_string(++count), out = folder / ("stdout-" + number), err = folder / ("stderr-" + number);
  Child child(words, out, err);
  Clock::time_point start = Clock::now();
  bool isOver = false;
  while (!(isOver = child.isOver()) && std::chrono::duration<double>(Clock::now() - start).count() < limit)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  if (!isOver)
    child.end();
  auto takeText = [](const std::string &path) {
    std::string text = std::filesystem::exists(path) ? mlora::readFile(path) : std::string();
    std::filesystem::remove(path);
    return text;
  };
  Outcome outcome;
  outcome.output = takeText(out);
  std::string errors = takeText(err), message = lastLine(errors);
  if (message.empty())
    message = lastLine(outcome.output);
  outcome.problem =
      isOver ? child.problem(message) : "took longer than " + std::to_string(int(limit)) + " s";
  if (outcome.problem.empty())
    return outcome;
  outcome.said = endOf(errors.empty() ? outcome.output : errors, keptInReport);
  keep(words, outcome.problem, errors, outcome.output);
  return outcome;
}

void Commands::keep(const std::vector<std::string> &words, const std::string &problem, const std::string &err,
                    const std::string &out) {
  std::lock_guard lock(logging);
  std::ofstream file(log, std::ios::app);
  file << "==";
  for (const std::string &word : words)
    file << " " << word;
  file << "\n" << problem << "\n-- standard error\n" << endOf(err, keptInLog) << "\n-- standard output\n"
       << endOf(out, keptInLog) << "\n\n";
}

nlohmann::ordered_json problemOf(const Outcome &outcome) {
  return {{"problem", outcome.problem}, {"said", outcome.said}};
}

nlohmann::ordered_json Commands::json(const std::vector<std::string> &words, double limitSeconds) {
  Outcome outcome = run(words, limitSeconds);
  if (!outcome.problem.empty())
    return problemOf(outcome);
  size_t begin = outcome.output.find('{');
  auto found = nlohmann::ordered_json::parse(
      begin == std::string::npos ? std::string() : outcome.output.substr(begin), nullptr, false);
  return found.is_object() ? found : nlohmann::ordered_json{{"problem", "printed no JSON"}};
}

} // namespace gpucheck
