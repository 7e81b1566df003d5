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
    "usage: mlora-gpu-check FOLDER WORK OUT [PART...]    FOLDER: of scripts/gpu-check; WORK: for files that nobody keeps;\n"
    "OUT: where report.json and report.md go, and failed.log, what those parts said that failed; PART: of plan.json's\n"
    "`parts`, all of them where none is named, in their order there\n";
/// What is left of 8 minutes writes the report and cleans up.
constexpr std::chrono::seconds allTime{8 * 60 - 20};
/// Of all that failed, in one file: a machine may give back only a few.
constexpr const char *logFile = "failed.log";

void measure(Run &run, const std::string &part) {
  if (part == "goldens")
    goldens(run);
  else if (part != "op_table" && part != "op_times" && part != "peers")
    speed(run, part);
  else if (run.hasDriver())
    part == "peers" ? peers(run) : opTable(run, part == "op_times" ? OpTableFor::Times : OpTableFor::Values);
}

void measure(Run &run, const std::vector<std::string> &parts) {
  auto isNotRun = [&](const std::string &reason) { run.report["not_run"].push_back(reason); };
  run.report["machine"] = machine();
  if (!run.hasDriver())
    isNotRun("no driver: op table, speed, memory and PyTorch were not measured on a GPU");
  run.save();
  for (const Json &planned : run.folder.plan["parts"]) {
    std::string part = planned;
    if (std::find(parts.begin(), parts.end(), part) == parts.end()) {
      isNotRun("part " + part + " was not asked for");
      continue;
    }
    Clock::time_point begin = Clock::now();
    measure(run, part);
    run.report["part_seconds"][part] = -secondsUntil(begin);
    run.save();
  }
}

int check(const fs::path &path, const fs::path &work, const fs::path &out, std::vector<std::string> parts) {
  Clock::time_point start = Clock::now();
  Folder folder{path, Json(mlora::readJsonFile(path / "plan.json")), work};
  std::vector<std::string> known = folder.plan["parts"];
  for (const std::string &part : parts)
    if (std::find(known.begin(), known.end(), part) == known.end())
      mlora::badInput("there is no part " + part + ", only " + folder.plan["parts"].dump());
  if (parts.empty())
    parts = known;
  mlora::makeFolders(out);
  Json report{{"seconds", 0.0},
              {"machine", Json::object()},
              {"part_seconds", Json::object()},
              {"goldens", Json::object()},
              {"op_table", nullptr},
              {"op_times", nullptr},
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
    Run run{folder, commands, report, save};
    measure(run, parts);
  } catch (const std::exception &error) { // whatever it is, what was measured stays
    report["not_run"].insert(report["not_run"].begin(), std::string("stopped: ") + error.what());
  }
  save();
  std::cout << "report: " << (out / "report.md").string() << "\n";
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  if (argc < 4) {
    std::cerr << usage;
    return int(mlora::Status::BadInput);
  }
  try {
    return check(argv[1], argv[2], argv[3], {argv + 4, argv + argc});
  } catch (const std::exception &error) {
    std::cerr << "mlora-gpu-check: error: " << error.what() << "\n";
    return int(mlora::Status::Failed);
  }
}
