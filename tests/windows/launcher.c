/* python.exe for the lab's 32-bit CPython, which comes as a python311.dll or python314.dll without one. */
#include <windows.h>
#include <shellapi.h>

__declspec(dllimport) int Py_Main(int argc, wchar_t **argv);

int main(void)
{
    /* main's own argv is in the ANSI code page, which loses Chinese characters. */
    int argc;
    wchar_t **argv = CommandLineToArgvW(GetCommandLineW(), &argc);
    return Py_Main(argc, argv);
}
