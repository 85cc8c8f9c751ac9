/* A stand-in for NationECCode.dll, with the declaration of §5.2.
 *
 * What it does is the last part of strUrl: .../localQrCodeQuery answers the example of §5.3.5.2, byte for byte in
 * GB 18030; the others are listed in NationEcTrans below, as name or name=argument. It keeps no state between calls
 * but what a mode says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <windows.h>
#ifdef STANDIN_NO_EXPORT /* a .def file does it */
#define EXPORT
#else
#define EXPORT __declspec(dllexport)
#endif
#define SLEEP(ms) Sleep(ms)
#ifdef STANDIN_CDECL
#define CALL __cdecl
#else
#define CALL __stdcall
#endif
#else
#include <unistd.h>
#define EXPORT __attribute__((visibility("default")))
#define SLEEP(ms) usleep((ms) * 1000)
#define CALL
#endif

static const char EXAMPLE[] =
    "{\n"
    "  \"data\": {\n"
    "    \"extra\": \"\",\n"
    "    \"idNo\": \"533222199909090123\",\n"
    "    \"idType\": \"01\",\n"
    "    \"ecToken\": \"ADBHJRS5I01E0F3438C00000B959FA88\",\n"
    "    \"insuOrg\": \"430000\",\n"
    "    \"userName\": \"\325\305\310\375\",\n"
    "    \"ecIndexNo\": \"\",\n"
    "    \"gender\": \"\",\n"
    "    \"birthday\": \"\",\n"
    "    \"nationality\": \"\",\n"
    "    \"email\": \"\"\n"
    "  },\n"
    "  \"code\": 0,\n"
    "  \"message\": \"\264\246\300\355\263\311\271\246\"\n"
    "}";

#ifdef STANDIN_NEEDS /* other DLLs, which needed.c is */
__declspec(dllimport) int needed(void);
__declspec(dllimport) int needed_too(void);
#define NEEDED (needed() && needed_too())
#else
#define NEEDED 1
#endif

static char ok[] = "0000";
static volatile long inside; /* calls under way */

static unsigned char nibble(char c) { return (unsigned char)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10); }

/* Bytes from hexadecimal digits, up to the end of the text or a comma. */
static size_t unhex(const char *hex, char *out) {
    size_t n = 0;
    for (; hex[0] && hex[0] != ',' && hex[1]; hex += 2) out[n++] = (char)(nibble(hex[0]) << 4 | nibble(hex[1]));
    out[n] = 0;
    return n;
}

static long spawn(char *command) {
#ifdef _WIN32
    STARTUPINFOA startup;
    PROCESS_INFORMATION process;
    memset(&startup, 0, sizeof startup);
    startup.cb = sizeof startup;
    if (!CreateProcessA(NULL, command, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &process)) return 0;
    return (long)process.dwProcessId;
#else
    pid_t child = fork();
    if (!child) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    return (long)child;
#endif
}

/* The text that follows a number and a comma, as hexadecimal, the next comma, and so on: A,B,C,D,E makes
 * A, so many B, C, so many D, E. */
static void repeat(const char *argument, char *out) {
    long count = atol(argument), n;
    int part;
    for (part = 0; part < 5 && (argument = strchr(argument, ',')); part++) {
        argument++;
        for (n = part % 2 ? count : 1; n > 0; n--) out += unhex(argument, out);
    }
}

EXPORT char *CALL NationEcTrans(char *strUrl, char *InData, char *OutData) {
    static char returned[65536];
    const char *mode = strrchr(strUrl, '/'), *argument;
    size_t length;
    mode = mode ? mode + 1 : strUrl;
    argument = strchr(mode, '=');
    length = argument ? (size_t)(argument++ - mode) : strlen(mode);
#define IS(name) (length == sizeof name - 1 && !strncmp(mode, name, length))

    /* What it answers. */
    if (IS("localQrCodeQuery") && NEEDED) return strcpy(OutData, EXAMPLE), ok;
    if (IS("echo")) return strcpy(OutData, InData), ok;
    if (IS("url")) return strcpy(OutData, strUrl), ok;
    if (IS("answer")) return unhex(argument, OutData), ok;     /* OutData, in hexadecimal */
    if (IS("return")) return unhex(argument, returned), returned; /* the return value, in hexadecimal */
    if (IS("refuse")) return unhex(argument, OutData), strcpy(returned, "-1"), returned; /* both at once */
    if (IS("null")) return NULL;
    if (IS("pointer")) return strcpy(OutData, EXAMPLE), (char *)(size_t)atol(argument); /* to wherever */
    if (IS("untouched")) return ok;
    if (IS("repeat")) return repeat(argument, OutData), ok; /* OutData, for the long and the deep */
    if (IS("outreturn")) return unhex(argument, OutData), OutData; /* the return value is OutData */
    if (IS("fill")) { /* so many x, with the terminator after them */
        length = (size_t)atol(argument);
        memset(OutData, 'x', length);
        OutData[length] = 0;
        return ok;
    }
    if (IS("unterminated")) { /* the same without */
        memset(OutData, 'x', (size_t)atol(argument));
        return ok;
    }
    if (IS("inplace")) { /* writes into all three, up to the lengths of §5.2 */
        memset(strUrl, 'u', 2047);
        memset(InData, 'i', 2047);
        return strcpy(OutData, EXAMPLE), ok;
    }

    if (IS("once")) { /* answers with operatorName as userName; refuses to be entered twice at once */
        const char *name = strstr(InData, "\"operatorName\":\"") + 16, *end = strchr(name, '"');
        long alone = __sync_add_and_fetch(&inside, 1);
        sprintf(OutData, "{\"code\":0,\"data\":{\"idNo\":\"1\",\"idType\":\"01\",\"ecToken\":\"1\","
                "\"insuOrg\":\"1\",\"userName\":\"%.*s\"}}", (int)(end - name), name);
        if (alone != 1 || inside != 1) strcpy(returned, "entered twice");
        return __sync_sub_and_fetch(&inside, 1) == 0 && alone == 1 ? ok : returned;
    }

    /* What it does with files of the current directory. */
    if (IS("settings")) { /* fails without its settings; answers with a line in its log */
        FILE *settings = fopen("NationEC.ini", "rb"), *log = fopen("EcLog.txt", "ab");
        if (log) {
            fprintf(log, "%s\n", strUrl);
            fclose(log);
        }
        if (settings) fclose(settings);
        return settings && log ? strcpy(OutData, EXAMPLE), ok : strcpy(returned, "-1");
    }

    /* What it does to the process. */
    if (IS("sleep")) { /* milliseconds; answers whether another call came in meanwhile */
        long alone = __sync_add_and_fetch(&inside, 1);
        SLEEP(atoi(argument));
        __sync_sub_and_fetch(&inside, 1);
        return strcpy(OutData, alone == 1 ? EXAMPLE : "entered twice"), ok;
    }
    if (IS("crash")) {
        strcpy(OutData, "before the crash");
        *(volatile int *)(size_t)atol("0") = 1; /* the compiler sees no NULL */
        return ok;
    }
    if (IS("print")) {
        for (length = 0; length < 2000; length++) {
            printf("noise on standard output\n");
            if (length % 20 == 0) fprintf(stderr, "noise on standard error\n");
        }
        fflush(stdout);
        fflush(stderr);
        return strcpy(OutData, EXAMPLE), ok;
    }
    if (IS("read")) { /* standard input, to its end */
        while (getchar() != EOF) {}
        return strcpy(OutData, EXAMPLE), ok;
    }
    if (IS("close")) { /* the standard streams */
        fclose(stdin);
        fclose(stdout);
        fclose(stderr);
        return strcpy(OutData, EXAMPLE), ok;
    }
#ifdef _WIN32
    if (IS("load")) { /* a DLL by bare name, in hexadecimal; answers where it came from, in the ANSI code page */
        unhex(argument, returned);
        GetModuleFileNameA(LoadLibraryA(returned), OutData, 1024);
        return ok;
    }
#endif
    if (IS("spawn")) { /* a command, in hexadecimal; answers its process number */
        unhex(argument, returned);
        sprintf(OutData, "%ld", spawn(returned));
        return ok;
    }
    if (IS("abort")) abort();
    if (IS("exit")) exit(argument ? atoi(argument) : 0);
    return strcpy(OutData, "no such mode"), ok;
}
