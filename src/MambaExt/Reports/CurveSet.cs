using System.Text.Json;

namespace MambaExt.Reports;

/// <summary>One value of a curve.</summary>
internal readonly record struct CurvePoint(double X, double Y);

/// <summary>What one run (model, seed, split) wrote into <c>metrics.jsonl</c>: a curve a key, each in the order of its epochs.</summary>
internal sealed record RunCurves(string Model, double? Seed, double? Split)
{
    public Dictionary<string, List<CurvePoint>> Curves { get; } = [];

    /// <summary>What its x axis counts: models of one run may count differently, epochs of a backbone and sessions of a method.</summary>
    public string Position { get; set; } = "epoch";
}

/// <summary>The curves of a run folder. Every numeric key that does not say which run or epoch a line is of makes a curve.</summary>
internal sealed class CurveSet
{
    private const int MostKeys = 32, MostRuns = 2000;

    private static readonly string[] Positions = ["epoch", "step", "session"];
    private static readonly string[] Identities = ["seed", "split", "fold", .. Positions];

    private readonly Dictionary<(string, double?, double?), RunCurves> _runs = [];
    private readonly HashSet<string> _keys = [];
    private readonly HashSet<string> _dropped = [];

    public IReadOnlyCollection<RunCurves> Runs => _runs.Values;

    /// <summary>Lines that are no JSON object or too long. The last line of a run that was stopped may be torn and does not count.</summary>
    public long Unreadable { get; private set; }

    /// <summary>Keys and runs beyond the most that are kept.</summary>
    public bool Incomplete => _dropped.Count > 0;

    public static CurveSet Read(Stream stream)
    {
        var set = new CurveSet();
        long passed = JsonLines.Read(stream, (line, ended) =>
        {
            try
            {
                using JsonDocument document = JsonDocument.Parse(line);
                document.RootElement.RequireText();
                set.Add(document.RootElement);
            }
            catch (JsonException)
            {
                set.Unreadable += ended ? 1 : 0;
            }
        });
        set.Unreadable += passed;
        return set;
    }

    private void Add(JsonElement line)
    {
        if (line.ValueKind != JsonValueKind.Object)
        {
            Unreadable++;
            return;
        }

        string model = string.Join(", ", new[] { line.Text("model"), line.Text("stage"), line.Text("phase") }.OfType<string>());
        var identity = (model, line.Number("seed"), line.Number("split") ?? line.Number("fold"));
        if (!_runs.TryGetValue(identity, out RunCurves? run))
        {
            if (_runs.Count == MostRuns)
            {
                _dropped.Add("");
                return;
            }

            _runs.Add(identity, run = new RunCurves(identity.model, identity.Item2, identity.Item3));
        }

        string? position = Positions.FirstOrDefault(name => line.Number(name) is { } at && double.IsFinite(at));
        run.Position = position ?? run.Position;
        foreach (JsonProperty property in line.EnumerateObject())
        {
            if (!Identities.Contains(property.Name) && property.Value.Number() is { } value && Keeps(property.Name))
            {
                Put(run, property.Name, position is null ? null : line.Number(position), value);
            }
        }
    }

    private static void Put(RunCurves run, string key, double? position, double value)
    {
        if (!run.Curves.TryGetValue(key, out List<CurvePoint>? curve))
        {
            run.Curves.Add(key, curve = []);
        }

        double x = position ?? (curve.Count == 0 ? 1 : curve[^1].X + 1);

        // A run that was stopped and resumed may have written an epoch twice: the later line holds.
        while (curve.Count > 0 && curve[^1].X >= x)
        {
            curve.RemoveAt(curve.Count - 1);
        }

        curve.Add(new CurvePoint(x, value));
    }

    private bool Keeps(string key)
    {
        if (_keys.Contains(key))
        {
            return true;
        }

        if (_keys.Count < MostKeys)
        {
            return _keys.Add(key);
        }

        if (_dropped.Count < MostKeys)
        {
            _dropped.Add(key);
        }

        return false;
    }
}
