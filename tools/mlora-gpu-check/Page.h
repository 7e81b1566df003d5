// The report as a page for people.
#pragma once

#include "Parts.h"

namespace gpucheck {

std::string page(const Json &report);

} // namespace gpucheck
