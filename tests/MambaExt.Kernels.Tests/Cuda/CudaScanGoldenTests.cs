using MambaExt.Kernels.Cuda;
using MambaExt.Kernels.Verification;
using MambaExt.Tests.Shared;

namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>The golden files of the selective scan on the emulated GPU.</summary>
public sealed class CudaScanGoldenTests
{
    public static TheoryData<string> Names()
    {
        string? folder = SharedData.Find("golden", "scan");
        return folder is null ? ["none"] : [.. Directory.GetFiles(folder, "scan*.safetensors").Select(f => Path.GetFileName(f)).Order()];
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Golden_files_agree(string name)
    {
        var file = new GoldenFile(Path.Combine(SharedData.Require("golden", "scan"), name));
        using EmulatedGpu gpu = EmulatedGpu.Require(KernelSource.SelectiveScan, CudaSelectiveScan.Instances);
        GoldenResult result = file.IsDouble ? Run<double>(gpu, file) : Run<float>(gpu, file);
        Assert.True(result.Ok, $"{result}");
    }

    private static GoldenResult Run<T>(EmulatedGpu gpu, GoldenFile file)
        where T : unmanaged
    {
        int Number(string key) => int.Parse(file.Text(key));
        double[]? Plain(string key) => file.Find(key) is null ? null : file.Values(key);
        int batch = Number("B"), length = Number("L"), states = Number("N");
        bool perB = file["B"].Shape.Length > 2, perC = file["C"].Shape.Length > 2;
        double[]? Sequence(string key) => Plain(key) is { } values ? Swap(values, batch, values.Length / Math.Max(1, batch * length), length) : null;
        var shape = new SelectiveScanShape
        {
            Batch = batch, Length = length, Channels = Number("D"), States = states, Groups = perB || perC ? Number("G") : 1,
            PerPositionB = perB, PerPositionC = perC, Softplus = file.Switch("delta_softplus"), Reverse = file.Switch("reverse"),
        };
        var reference = new ReferenceScan(shape)
        {
            U = Sequence("u")!, Delta = Sequence("delta")!, A = Plain("A")!, B = perB ? Sequence("B")! : Plain("B")!, C = perC ? Sequence("C")! : Plain("C")!,
            Z = Sequence("z"), D = Plain("D"), Bias = Plain("delta_bias"), H0 = Plain("h0"), Seq = Plain("seq_idx")?.Select(v => (int)v).ToArray(),
            GradOut = Sequence("g_out")!, GradLast = Plain("g_last_state"),
        };
        using var scan = new CudaScanCase<T>(gpu, shape, reference);
        scan.Run();
        Dictionary<string, double[]> got = scan.Snapshot();
        var names = new Dictionary<string, (string Key, GoldenKind Kind, bool Sequence)>
        {
            ["out"] = ("out", GoldenKind.Output, true), ["last"] = ("last_state", GoldenKind.Output, false),
            ["du"] = ("grad_u", GoldenKind.SequenceGradient, true), ["ddelta"] = ("grad_delta", GoldenKind.SequenceGradient, true),
            ["dz"] = ("grad_z", GoldenKind.SequenceGradient, true), ["dA"] = ("grad_A", GoldenKind.ParameterGradient, false),
            ["dB"] = ("grad_B", perB ? GoldenKind.SequenceGradient : GoldenKind.ParameterGradient, perB),
            ["dC"] = ("grad_C", perC ? GoldenKind.SequenceGradient : GoldenKind.ParameterGradient, perC),
            ["dD"] = ("grad_D", GoldenKind.ParameterGradient, false), ["dbias"] = ("grad_delta_bias", GoldenKind.ParameterGradient, false),
            ["dh0"] = ("grad_h0", GoldenKind.SequenceGradient, false),
        };
        foreach (var (result, (key, kind, sequence)) in names.Where(n => file.Find(n.Value.Key) is not null))
        {
            double[] values = got[result];
            file.Compare(key, sequence ? Swap(values, batch, length, values.Length / Math.Max(1, batch * length)) : values, kind);
        }

        return file.Result("selective scan, emulated", 0);
    }

    /// <summary>[batch, rows, columns] to [batch, columns, rows]: the files keep time last, the kernels channels.</summary>
    private static double[] Swap(double[] source, int batch, int rows, int columns)
    {
        var target = new double[source.Length];
        for (int b = 0; b < batch; b++)
        {
            for (int r = 0; r < rows; r++)
            {
                for (int c = 0; c < columns; c++) target[(b * columns + c) * rows + r] = source[(b * rows + r) * columns + c];
            }
        }

        return target;
    }
}
