#include "SideBySide.h"

#include "mlora/Runtime/Core/Files.h"

namespace fs = std::filesystem;

namespace gpucheck {
namespace {

/// Of all tests, and of one.
constexpr double allSeconds = 150, testSeconds = 30;
constexpr size_t threads = 4;
constexpr const char *program = "mlora-unit-goldens";

/// Of `--gtest_list_tests`: suites at the begin of a line, their tests behind two blanks, comments behind #.
std::vector<std::string> testsOf(const std::string &list) {
  std::vector<std::string> names;
  std::string suite;
  std::istringstream lines(list);
  for (std::string line; std::getline(lines, line);) {
    line.resize(line.find_last_not_of(" \n", line.find('#') - 1) + 1);
    if (line.starts_with("  "))
      names.push_back(suite + line.substr(2));
    else if (line.ends_with('.'))
      suite = line;
  }
  return names;
}

/// What a test itself has written, between googletest's lines.
std::string printedOf(const std::string &output) {
  size_t begin = output.find("[ RUN "), end = output.size();
  if ((begin = output.find('\n', begin)) == std::string::npos)
    return "";
  for (const char *mark : {"[       OK ]", "[  FAILED  ]", "[  SKIPPED ]"})
    end = std::min(end, output.find(mark, begin));
  return output.substr(begin + 1, std::min(end - begin - 1, size_t(2) << 10));
}

/// googletest's own report of a test; nothing where it has not come to write one.
Json resultOf(const fs::path &path) {
  Json report = fs::exists(path) ? Json::parse(mlora::readFile(path), nullptr, false) : Json();
  if (!report.is_object())
    return {};
  for (const Json &suite : report.value("testsuites", Json::array()))
    for (const Json &test : suite.value("testsuite", Json::array())) {
      std::string message;
      for (const Json &failure : test.value("failures", Json::array()))
        message += failure.value("failure", "");
      for (const Json &skip : test.value("skipped", Json::array()))
        message += skip.value("message", "");
      bool isSkipped = test.contains("skipped") || test.value("result", "") == "SKIPPED";
      return {{"result", test.contains("failures") ? "failed" : isSkipped ? "skipped" : "passed"},
              {"message", message.substr(0, 2 << 10)}};
    }
  return {};
}

Json runTest(Run &run, const std::string &name, double limitSeconds) {
  std::string file = name;
  std::replace(file.begin(), file.end(), '/', '-');
  fs::path report = run.folder.work / (file + ".json");
  Outcome outcome = run.commands.run(
      {run.folder.program(program), "--gtest_filter=" + name, "--gtest_output=json:" + report.string()}, limitSeconds);
  Json row{{"name", name}}, result = resultOf(report);
  if (!outcome.problem.empty() && (result.is_null() || result["result"] != "failed"))
    result = {{"result", "failed"}, {"message", outcome.problem}, {"said", outcome.said}};
  else if (result.is_null())
    result = {{"result", "failed"}, {"message", "googletest has written no report"}};
  row.update(result);
  row["printed"] = printedOf(outcome.output);
  return row;
}

} // namespace

/// A process a test: one that hangs or crashes takes no other with it. Without a driver each skips itself, and says why.
void goldens(Run &run) {
  Clock::time_point end = Clock::now() + std::chrono::seconds(int(allSeconds));
  Outcome listed = run.commands.run(
      {run.folder.program(program), "--gtest_list_tests", "--gtest_filter=*GoldenCuda*:*WgmmaCuda*"}, testSeconds);
  std::vector<std::string> names = testsOf(listed.output);
  Json &found = run.report["goldens"];
  found = {{"problem", listed.problem.empty() && names.empty() ? "there is no test" : listed.problem},
           {"tests", Json::array()}};
  sideBySide(
      names, threads,
      [&](const std::string &name) { return runTest(run, name, std::min(testSeconds, secondsUntil(end))); },
      [&](Json rows) {
        found["tests"] = std::move(rows);
        run.save();
      });
}

} // namespace gpucheck
