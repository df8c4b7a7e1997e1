using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using MambaExt.Cli.Tests.Support;

namespace MambaExt.Cli.Tests;

/// <summary>What a training is said to need against the peak of its process, on the structure of Roman-empire (22,662 vertices of mean degree 3) as a case of scale.</summary>
[Trait("Suite", "long")]
public sealed partial class MemoryEstimateTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mambaext-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("--mpnn gcn --M 4 --m 3 --s 2")]
    [InlineData("--mpnn gcn --M 4 --m 3 --s 2 --parts 6")]
    [InlineData("--mpnn gcn --M 4 --m 3 --s 2 --token_encoder gatedgcn --recompute true")]
    [InlineData("--mpnn gcn --M 4 --m 3 --s 2 --token_encoder rwf --recompute true")]
    [InlineData("--model deep-mamba --layers 12 --norm batch")]
    [InlineData("--model gmb")]
    public async Task The_peak_of_a_training_is_near_its_estimate(string options)
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("MAMBAEXT_LONG_TESTS") == "1" && OperatingSystem.IsLinux(), "takes gigabytes; MAMBAEXT_LONG_TESTS=1 on Linux runs it");
        string data = Path.Combine(SharedData.Require("data", "graph"), "roman-empire-structure");
        Answer answer = await CliRun.Process(
            ["graph", "train", "--graph", Path.Combine(data, "edges.csv"), "--labels", Path.Combine(data, "labels.csv"), "--epochs", "1", "--threads", "1", "--json", "--out", Path.Combine(_folder, "run"), .. options.Split(' ')]);
        Assert.True(answer.Code == 0, answer.Error);
        double peak = JsonDocument.Parse(answer.Out).RootElement.GetProperty("peak_bytes").GetDouble();
        double estimate = 1e9 * double.Parse(Estimate().Match(answer.Error).Groups[1].Value, CultureInfo.InvariantCulture);
        Assert.InRange(estimate / peak, 0.67, 1.5);
    }

    [GeneratedRegex(@"memory: about ([\d.]+) GB")]
    private static partial Regex Estimate();
}
