using System.Runtime.InteropServices;
using MambaExt.Tests.Shared;

namespace MambaExt.Tests.Distributed;

/// <summary>Twenty steps of a Mamba block and a perceptron on one batch of ten, split over ranks as evenly as it goes.</summary>
public sealed class DataParallelRunTests
{
    private const string Program = "MambaExt.RankProgram.dll";
    private static readonly Dictionary<string, Task<float[]>> OfOneProcess = [];

    [Theory]
    [InlineData("sgd", 2, 1e-6)]
    [InlineData("sgd", 4, 1e-6)]
    [InlineData("adamw", 2, 1e-4)]
    [InlineData("adamw", 4, 1e-4)]
    [InlineData("batchnorm", 2, 1e-4)]
    [InlineData("batchnorm", 4, 1e-4)]
    public async Task Ranks_train_as_one_process_does_and_end_with_the_same_bits(string how, int ranks, double tolerance)
    {
        MpiAnswer answer = await MpiRun.Ranks(ranks, Program, ["train", how]);
        Assert.True(answer.Code == 0, answer.Text);
        string[] hashes = answer.Lines[0].Split(' ');
        Assert.Equal(ranks, hashes.Length);
        Assert.Single(hashes.Distinct());
        float[] actual = Floats(answer), expected = await Alone(how);
        Assert.Equal(expected.Length, actual.Length);
        double error = expected.Zip(actual, (e, a) => Math.Abs((double)e - a)).Max() / expected.Max(Math.Abs);
        TestContext.Current.SendDiagnosticMessage($"{how}, {ranks} ranks: relative error {error:g3}");
        Assert.True(error <= tolerance, $"relative error {error:g3}, allowed {tolerance:g3}");
    }

    private static Task<float[]> Alone(string how)
    {
        if (!OfOneProcess.TryGetValue(how, out Task<float[]>? run))
        {
            OfOneProcess[how] = run = Start();
        }

        return run;

        async Task<float[]> Start()
        {
            MpiAnswer answer = await MpiRun.Alone(Program, "train", how);
            Assert.True(answer.Code == 0, answer.Text);
            return Floats(answer);
        }
    }

    private static float[] Floats(MpiAnswer answer) => MemoryMarshal.Cast<byte, float>(Convert.FromBase64String(answer.Lines[1])).ToArray();
}
