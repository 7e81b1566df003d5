// A folder of scripts/gpu-check whose programs are scripts of a test.
#pragma once

#include "Parts.h"

#include "../TempFolder.h"

#include <gtest/gtest.h>

namespace gpucheck {

struct GpuCheck : testing::Test {
  mlora::test::TempFolder files;
  Folder folder{files / "folder", Json::object(), files / "work"};
  Commands commands{files / "work", files / "failed.log", Clock::now() + std::chrono::seconds(60)};
  Json report{{"machine", {{"driver", true}, {"chip", "sm_90a"}}}};
  int saved = 0;
  gpucheck::Run run{folder, commands, report, [this] { ++saved; }};

  GpuCheck() { std::filesystem::create_directories(files / "work"); }
  /// `script` is in words of sh.
  void program(const std::string &name, const std::string &script) {
    std::filesystem::permissions(files.file("folder/bin/" + name, "#!/bin/sh\n" + script),
                                 std::filesystem::perms::owner_all);
  }
};

} // namespace gpucheck
