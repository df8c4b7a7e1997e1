using System.Globalization;
using MambaExt.Kernels;
using MambaExt.Kernels.Cpu;
using MambaExt.Kernels.Verification;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args is not ["verify", var folder])
{
    Console.Error.WriteLine("Usage: MambaExt.KernelCheck verify DIR      runs the golden files in DIR against the kernels of this machine, at every vector width");
    return 1;
}

int passed = 0, failed = 0, skipped = 0;
try
{
    foreach (GoldenResult r in GoldenFiles.Run(folder, KernelOptions.Default.Threads, VectorWidth.Allowed))
    {
        Console.WriteLine(r.VectorBits == 0
            ? $"{(r.Ok is null ? "skip" : "FAIL")}  {r.File,-60} {r.Reason}"
            : $"{(r.Ok == true ? "pass" : "FAIL")}  {r.File,-60} {r.Kernel,-24} {r.VectorBits,3} bits  error {r.WorstError:e1}  allowed {r.Tolerance:e0}  {r.Reason}");
        _ = r.Ok is null ? skipped++ : r.Ok.Value ? passed++ : failed++;
    }
}
catch (TypeInitializationException e) when (e.GetBaseException() is InvalidOperationException)
{
    // An environment variable that holds something else than its values.
    Console.Error.WriteLine(e.GetBaseException().Message);
    return 1;
}
catch (DirectoryNotFoundException e)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

Console.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped");
return failed == 0 ? 0 : 2;
