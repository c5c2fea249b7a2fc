#include "plugins/clone/plugin.h"

int main(int argc, char** argv) { return holdfast::app::run(holdfast::clone::make_plugin(), argc, argv); }
