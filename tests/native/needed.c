/* A DLL that does nothing but leave a mark when it is loaded: its path, as a line of the file that the environment
 * names. It stands in for libeay32.dll and ssleay32.dll, for a planted DLL, and for one without NationEcTrans. */
#include <stdio.h>
#include <windows.h>

__declspec(dllexport) int needed(void) { return 1; }

BOOL WINAPI DllMain(HINSTANCE module, DWORD reason, LPVOID reserved) {
    wchar_t mark[MAX_PATH], self[MAX_PATH];
    FILE *file;
    (void)reserved;
    if (reason == DLL_PROCESS_ATTACH && GetEnvironmentVariableW(L"NATIONEC_MARK", mark, MAX_PATH) &&
        GetModuleFileNameW(module, self, MAX_PATH) && (file = _wfopen(mark, L"ab"))) {
        char line[MAX_PATH * 3];
        WideCharToMultiByte(CP_UTF8, 0, self, -1, line, sizeof line, NULL, NULL);
        fprintf(file, "%s\n", line);
        fclose(file);
    }
    return TRUE;
}
