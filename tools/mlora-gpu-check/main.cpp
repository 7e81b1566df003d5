// Measures mlora on this machine's GPU, in a folder that scripts/gpu-check has made: report.json and report.md.
// `run` in that folder unpacks its archives and starts this.
#include "Page.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"
#include "mlora/Runtime/Core/Json.h"

#include <iostream>

namespace fs = std::filesystem;
using namespace gpucheck;

namespace {

constexpr const char *usage =
    "usage: mlora-gpu-check FOLDER WORK OUT    FOLDER: of scripts/gpu-check; WORK: for files that nobody keeps;\n"
    "                                          OUT: where report.json and report.md go, and\n"
    "                                          failed.log, what those parts said that failed\n";
/// What is left of 8 minutes writes the report and cleans up.
constexpr std::chrono::seconds allTime{8 * 60 - 20};
/// Of all that failed, in one file: a machine may give back only a few.
constexpr const char *logFile = "failed.log";

void measure(const Folder &folder, Commands &commands, Json &report, const std::function<void()> &save) {
  report["machine"] = machine();
  save();
  bool hasDriver = report["machine"]["driver"];
  report["goldens"] = goldens(folder, commands);
  save();
  if (hasDriver) {
    report["op_table"] = opTable(folder, commands, report["machine"]["chip"]);
    save();
  } else {
    report["not_run"].insert(report["not_run"].begin(),
                             "no driver: op table, speed, memory and PyTorch were not measured on a GPU");
  }
  speed(folder, commands, report, save);
}

int check(const fs::path &path, const fs::path &work, const fs::path &out) {
  Clock::time_point start = Clock::now();
  Folder folder{path, Json(mlora::readJsonFile(path / "plan.json")), work};
  mlora::makeFolders(out);
  Json report{{"seconds", 0.0},
              {"machine", Json::object()},
              {"goldens", Json::object()},
              {"op_table", nullptr},
              {"not_run", folder.plan["not_built"]},
              {"speed", Json::array()},
              {"peers", Json::array()}};
  auto save = [&] {
    report["seconds"] = std::chrono::duration<double>(Clock::now() - start).count();
    mlora::writeFileAtomically(out / "report.json", report.dump(1, ' ', false, Json::error_handler_t::replace));
    mlora::writeFileAtomically(out / "report.md", page(report));
  };
  fs::remove(out / logFile);
  Commands commands(work, out / logFile, start + allTime);
  try {
    measure(folder, commands, report, save);
  } catch (const std::exception &error) { // whatever it is, what was measured stays
    report["not_run"].insert(report["not_run"].begin(), std::string("stopped: ") + error.what());
  }
  save();
  std::cout << "report: " << (out / "report.md").string() << "\n";
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 4) {
    std::cerr << usage;
    return int(mlora::Status::BadInput);
  }
  try {
    return check(argv[1], argv[2], argv[3]);
  } catch (const std::exception &error) {
    std::cerr << "mlora-gpu-check: error: " << error.what() << "\n";
    return int(mlora::Status::Failed);
  }
}
