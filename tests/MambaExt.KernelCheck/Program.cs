using System.Globalization;
using MambaExt.KernelCheck;
using MambaExt.Kernels.Cuda;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (Arguments.Parse(args) is not { } arguments)
{
    Console.Error.WriteLine(Arguments.Usage);
    return 1;
}

try
{
    using CheckRecord record = CheckRecord.Open(arguments.Json);
    switch (arguments.Command)
    {
        case "verify" when arguments.Device == "cpu": Verify.OnCpu(arguments.Folder!, record); break;
        case "verify": Verify.OnGpu(arguments.Folder!, CudaDevice.Get(0), record); break;
        case "bench": Bench.Run(CudaDevice.Get(0), record); break;
        case "repeat":
            Repeat.Run(CudaDevice.Get(0), Repeat.Cases, record);
            Repeat.Compare(CudaDevice.Get(0), Repeat.Grids, record);
            break;
        case "profile": Profile.Run(CudaDevice.Get(0), record); break;
        default: Start.Run(arguments.Most, record); break;
    }

    return record.Close();
}
catch (TypeInitializationException e) when (e.GetBaseException() is InvalidOperationException)
{
    // An environment variable that holds something else than its values.
    Console.Error.WriteLine(e.GetBaseException().Message);
    return 1;
}
catch (Exception e) when (e is DirectoryNotFoundException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
catch (CudaException e)
{
    Console.Error.WriteLine(e.Message);
    return 3;
}
