#include "plugins/snap/plugin.h"

int main(int argc, char** argv) { return holdfast::app::run(holdfast::snap::make_plugin(), argc, argv); }
