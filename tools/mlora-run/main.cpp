#include "mlora/Runtime/Cli/Main.h"

int main(int argc, char **argv) { return mlora::runCommandLine(argc, argv); }
