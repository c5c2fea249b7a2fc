#include "plugins/pvc-expand/plugin.h"

int main(int argc, char** argv) { return holdfast::app::run(holdfast::expand::make_plugin(), argc, argv); }
