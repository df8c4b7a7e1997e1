using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using MambaExt.Kernels;

namespace MambaExt.Cli.Tests.Support;

/// <summary>A run of two seeds on the mine field, small enough to be made dozens of times, with everything that a resume has to bring back:
/// dropout, moments, a weight average, patience.</summary>
internal static class GridRun
{
    private const int Seeds = 2;
    private static readonly Lazy<(string[] Outputs, TimeSpan Time)> Uncut = new(MakeReference);

    /// <summary>What the uninterrupted run left, and how long its process took.</summary>
    public static (string[] Outputs, TimeSpan Time) Reference => Uncut.Value;

    public static string[] Start(string folder, string checkpointSeconds) =>
    [
        "graph", "train", "--dataset", "minesweeper-grid", "--epochs", "16", "--validate_every", "2", "--patience", "12", "--d_model", "4", "--d_state", "2", "--M", "1", "--m", "1",
        "--mpnn_layers", "1", "--dropout", "0.3", "--ema", "0.8", "--schedule", "cosine", "--warmup_steps", "3", "--seeds", $"{Seeds}", "--threads", "1",
        "--checkpoint-seconds", checkpointSeconds, "--out", folder,
    ];

    public static string[] Resume(string folder) => ["graph", "train", "--resume", folder];

    /// <summary>Everything a run leaves that must not depend on how often it was cut: metrics, result without times and memory, the model.</summary>
    public static string[] Outputs(string folder)
    {
        var result = (JsonObject)JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "result.json")))!;
        result.Remove("peak_bytes");
        result.Remove("run_dir");
        foreach (JsonNode? run in (JsonArray)result["runs"]!)
        {
            ((JsonObject)run!).Remove("seconds");
        }

        string model = Path.Combine(folder, "models", "graph-mamba");
        return
        [
            File.ReadAllText(Path.Combine(folder, "metrics.jsonl")), result.ToJsonString(), File.ReadAllText(Path.Combine(model, "config.json")),
            Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(Path.Combine(model, "model.safetensors")))),
        ];
    }

    /// <summary>Trainings behind the newest whole checkpoint and steps of the next; null without one.</summary>
    public static (int Finished, long Step)? Position(string folder)
    {
        string checkpoints = Path.Combine(folder, "checkpoint");
        if (!Directory.Exists(checkpoints) || Directory.GetFiles(checkpoints, "*.safetensors").Order(StringComparer.Ordinal).LastOrDefault() is not { } newest)
        {
            return null;
        }

        var state = (JsonObject)JsonNode.Parse(SafetensorsFile.Read(newest).Metadata["state"])!;
        return (((JsonArray)state["experiment.finished"]!).Count, state["step"]?.GetValue<long>() ?? 0);
    }

    /// <summary>Where a resumed process says that it goes on.</summary>
    public static (int Finished, long Step)? Told(string error)
    {
        System.Text.RegularExpressions.Match match = System.Text.RegularExpressions.Regex.Match(error, @"Resumed behind training (\d+)(?: and step (\d+) of the next)?\.");
        return match.Success ? (Number(1), match.Groups[2].Success ? Number(2) : 0) : null;

        int Number(int group) => int.Parse(match.Groups[group].Value, CultureInfo.InvariantCulture);
    }

    private static (string[] Outputs, TimeSpan Time) MakeReference()
    {
        using var folder = new TemporaryFolder();
        string run = Path.Combine(folder.Path, "run");
        var clock = System.Diagnostics.Stopwatch.StartNew();
        using var process = new CliProcess(Start(run, "30"));
        Answer answer = process.Wait();
        Assert.True(answer.Code == 0, answer.Error);
        string[] outputs = Outputs(run);
        Assert.Equal(Seeds * 8, outputs[0].Count(c => c == '\n'));
        return (outputs, clock.Elapsed);
    }
}
