// From argv to an exit status.
#include "mlora/Runtime/Cli/Main.h"

#include "mlora/Runtime/Cli/Commands.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Visible.h"

#include <csignal>
#include <filesystem>
#include <iostream>
#include <new>

namespace mlora {
namespace {

std::string overview() {
  std::string text = "usage: mlora-run COMMAND [config.yaml]... [key=value | --key value | --flag]...\n\n";
  for (const CommandSpec &spec : commands()) {
    std::string name(commandName(spec.command));
    text += "  " + name + std::string(10 - name.size(), ' ') + std::string(spec.summary) +
            (spec.run ? "" : " (not built yet)") + "\n";
  }
  return text + "\n`mlora-run COMMAND --help` documents every key of a command with its default.\n";
}

const CommandSpec &findCommand(const std::string &name) {
  std::vector<std::string_view> names;
  for (const CommandSpec &spec : commands()) {
    names.push_back(commandName(spec.command));
    if (names.back() == name)
      return spec;
  }
  badInput("unknown command '" + name + "': did you mean '" + std::string(nearest(name, names)) +
           "'? (`mlora-run --help` lists them)");
}

int run(std::vector<std::string> words) {
  // `mlora-run help train` is `mlora-run train --help`.
  if (words.size() == 2 && words[0] == "help")
    words = {words[1], "--help"};
  if (words.empty()) {
    std::cerr << overview();
    return int(Status::BadInput);
  }
  if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") {
    std::cout << overview();
    return 0;
  }
  if (words[0] == "--version") {
    std::cout << "mlora-run " MLORA_VERSION "\n";
    return 0;
  }
  const CommandSpec &spec = findCommand(words[0]);
  if (!spec.run)
    badInput("`" + words[0] + "` is not built yet");
  Arguments arguments = readArguments(spec.command, std::span(words).subspan(1), spec.maxWords);
  if (arguments.help) {
    std::cout << helpText(spec.command, spec.usage, spec.summary);
    return 0;
  }
  return spec.run(arguments);
}

int fail(Status status, const std::string &message) {
  std::cout.flush();
  // A message may quote a file.
  std::cerr << "mlora-run: error: " << visible(message, "\n\t") << "\n";
  return int(status);
}

} // namespace

int runCommandLine(int argc, const char *const *argv) {
  // A file that may not grow further is an error like a full disk, not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    int status = run({argv + 1, argv + argc});
    // A full disk or a closed pipe under stdout must not pass for success.
    if (!std::cout.flush() || std::fflush(stdout) != 0 || std::ferror(stdout))
      return fail(Status::Failed, "standard output could not be written");
    return status;
  } catch (const Error &error) {
    return fail(error.status, error.what());
  } catch (const std::filesystem::filesystem_error &error) {
    return fail(Status::BadInput, error.path1().string() + ": " + error.code().message() +
                                      ": look at the path, and at the folders and links on it");
  } catch (const std::bad_alloc &) {
    return fail(Status::Failed, "out of memory");
  } catch (const std::exception &error) {
    return fail(Status::Failed, error.what());
  }
}

} // namespace mlora
