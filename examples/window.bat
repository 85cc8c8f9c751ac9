@echo off
rem window.bat: decode a voucher from cmd, or from any program that can start a command.
rem
rem     window.bat --simulate
rem     window.bat --url http://10.0.0.8:8081/localcfc/api/hsecfc/localQrCodeQuery
rem                --org-id 35020319001 --dll C:\NationEC\NationECCode.dll --timeout 60
rem     (on one line; --python C:\Python38-32\python.exe for a 32-bit DLL)
rem
rem The answer is JSON in answer.json, in the current directory. What went wrong is told in
rem Chinese on the console, by nationec. The exit code says what to do:
rem     0 done   2 wrong request, nothing sent   3 DLL not loaded   4 not got through
rem     5 the platform said no   6, 7 outcome unknown (unreadable answer; timeout, crash, Ctrl-C)
rem
rem This file is ASCII: cmd reads a batch file in the code page of the console, which is 936
rem in China, and a file in another encoding would break there.

setlocal
set NATIONEC_LANG=zh
set REQUEST={"businessType": "01101", "operatorId": "test001", "operatorName": "test",
set REQUEST=%REQUEST% "officeId": "32760", "officeName": "test"}
echo %REQUEST%| nationec call ec.query --json - %* > answer.json
set CODE=%ERRORLEVEL%

if %CODE% == 0 echo OK: answer.json
if not %CODE% == 0 del answer.json
if %CODE% GEQ 6 echo UNKNOWN: nothing is charged by ec.query, it may be done again
exit /b %CODE%
