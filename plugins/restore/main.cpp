#include "plugins/restore/plugin.h"

int main(int argc, char** argv) { return holdfast::app::run(holdfast::restore::make_plugin(), argc, argv); }
