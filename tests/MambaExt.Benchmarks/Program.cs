using System.Globalization;
using MambaExt.Benchmarks;
using TorchSharp;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
torch.set_num_threads(1);
switch (args)
{
    case ["csr"]:
        SparseBenchmarks.CsrSum();
        return 0;
    case ["features", var folder]:
        SparseBenchmarks.CoauthorFeatures(folder);
        return 0;
    case ["walks"]:
        WalkBenchmark.Run();
        return 0;
    case ["ssd"]:
        SsdBenchmark.Run();
        return 0;
    case ["overhead"]:
        OverheadBenchmark.Run();
        return 0;
    case ["distill"]:
        DistillBenchmark.Run();
        return 0;
    case ["images"]:
        ImageBenchmark.Run();
        return 0;
    default:
        Console.Error.WriteLine("Usage: MambaExt.Benchmarks csr | features DATA_DIR | walks | ssd | overhead | images | distill       (one thread; medians of 11; `mambaext bench scan` times the scan)");
        return 1;
}
