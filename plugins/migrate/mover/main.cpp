#include "plugins/migrate/mover/commands.h"

int main(int argc, char** argv) { return holdfast::mover::run_mover(argc, argv); }
