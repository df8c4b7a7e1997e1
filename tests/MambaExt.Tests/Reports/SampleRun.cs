using System.Text.Json;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using MambaExt.Reports;
using MambaExt.Tests.Shared;

namespace MambaExt.Tests.Reports;

/// <summary>Writes run folders as the training commands do, and reads reports back as XML.</summary>
internal static class SampleRun
{
    public static readonly string[] Classes = ["Case_Based", "Neural_Networks", "Theory"];

    /// <summary>A finished run of one model: <paramref name="epochs"/> lines of metrics for each seed.</summary>
    public static string Write(TemporaryFolder folder, string name, int seeds = 3, int epochs = 20, Action<JsonObject>? result = null, Action<JsonObject>? config = null, string model = "graph-mamba")
    {
        string run = folder.File(name, "x")[..^2];
        File.WriteAllLines(Path.Combine(run, "metrics.jsonl"), Metrics(model, seeds, epochs));
        JsonObject options = new() { ["command"] = "graph train", ["dataset"] = "cora", ["variant"] = "official", ["training"] = new JsonObject { ["learning_rate"] = 0.01, ["epochs"] = epochs }, ["threads"] = 2 };
        JsonObject document = Result(model, seeds, epochs);
        config?.Invoke(options);
        result?.Invoke(document);
        File.WriteAllText(Path.Combine(run, "config.json"), options.ToJsonString());
        File.WriteAllText(Path.Combine(run, "result.json"), document.ToJsonString());
        return run;
    }

    public static JsonObject Result(string model, int seeds, int epochs) => new()
    {
        ["dataset"] = "cora", ["variant"] = "official", ["model"] = model, ["metric"] = "accuracy", ["test_mean"] = 81.5, ["test_std"] = seeds > 1 ? 0.75 : null, ["val_mean"] = 80.25,
        ["runs"] = new JsonArray([.. Enumerable.Range(0, seeds).Select(seed => (JsonNode)new JsonObject
        {
            ["seed"] = seed, ["split"] = 0, ["val"] = 80.25, ["test"] = 81 + seed, ["epochs"] = epochs, ["best_epoch"] = epochs / 2, ["seconds"] = 1.5,
            ["confusion"] = JsonNode.Parse("[[8, 2, 0], [1, 9, 0], [5, 0, 5]]"),
        })]),
        ["parameters"] = 12345, ["peak_bytes"] = 5e8, ["test_reads"] = seeds, ["run_dir"] = "x", ["ablations"] = null,
        ["classes"] = new JsonArray([.. Classes.Select(c => (JsonNode)c)]),
    };

    public static IEnumerable<string> Metrics(string model, int seeds, int epochs) =>
        from seed in Enumerable.Range(0, seeds)
        from epoch in Enumerable.Range(1, epochs)
        select JsonSerializer.Serialize(new { model, seed, split = 0, epoch, train_loss = 2.0 / epoch + 0.01 * seed, val_loss = 2.5 / epoch + 0.02 * seed, val = 80.0 - 40.0 / epoch + seed, lr = 0.01 });

    /// <summary>The report of runs as it was written, which must be well-formed.</summary>
    public static (XElement Page, string Text) Report(params string[] runs)
    {
        string path = Path.Combine(runs[0], "report.html");
        RunReport.Write(runs, path);
        string text = File.ReadAllText(path);
        return (XDocument.Parse(text).Root!, text);
    }

    public static IEnumerable<XElement> Of(this XElement page, string tag, string name) =>
        page.Descendants(tag).Where(e => ((string?)e.Attribute("class") ?? "").Split(' ').Contains(name));

    /// <summary>The figure of one key's curves.</summary>
    public static XElement Chart(this XElement page, string key) => Xunit.Assert.Single(page.Descendants("figure"), f => (string?)f.Attribute("data-key") == key);

    /// <summary>The body rows of the tables whose rows have that class, a text a cell.</summary>
    public static string[][] Rows(this XElement page, string name) => [.. page.Of("tr", name).Select(row => row.Elements().Select(cell => cell.Value).ToArray())];
}
