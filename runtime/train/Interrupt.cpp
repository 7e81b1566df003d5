#include "mlora/Runtime/Train/Interrupt.h"

#include <csignal>

namespace mlora {
namespace {

volatile std::sig_atomic_t interrupted = 0;
struct sigaction before[2];
constexpr int signals[2] = {SIGINT, SIGTERM};

} // namespace

InterruptGuard::InterruptGuard() {
  interrupted = 0;
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted = 1; };
  // RESETHAND: whoever asks twice is not kept waiting. RESTART: files being written do not notice.
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < 2; ++i)
    sigaction(signals[i], &action, &before[i]);
}

InterruptGuard::~InterruptGuard() {
  for (int i = 0; i < 2; ++i)
    sigaction(signals[i], &before[i], nullptr);
}

bool InterruptGuard::asked() const { return interrupted != 0; }

} // namespace mlora
