using System.Globalization;

namespace MambaExt.Distill.Losses;

/// <summary>A loss in a configuration: which, how much it counts, and its constants.</summary>
/// <param name="name">One of <see cref="Names"/></param>
/// <param name="weight">What it counts in the sum</param>
public sealed record LossTerm(string name, double weight)
{
    private const string FitNetsName = "fitnets", AttentionName = "at";

    /// <summary>The constants that each loss has.</summary>
    private static readonly Dictionary<string, string[]> Constants = new()
    {
        ["ce"] = ["smoothing"], ["kd"] = ["temperature"], ["dkd"] = ["temperature", "alpha", "beta", "warmup_epochs"], ["dist"] = ["temperature", "beta", "gamma"],
        ["logit-std"] = ["temperature"], ["deit-soft"] = ["temperature"], ["deit-hard"] = [], [FitNetsName] = ["student", "teacher", "adapter"], [AttentionName] = ["student", "teacher"],
    };

    /// <summary>Losses by name.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Constants.Keys];

    /// <summary>The default mix: half cross-entropy, half distillation at temperature 2.</summary>
    public static IReadOnlyList<LossTerm> Default { get; } = [new("ce", 0.5), new("kd", 0.5) { temperature = 2 }];

    /// <summary>tau; null for the loss's own default.</summary>
    public double? temperature { get; init; }

    /// <summary>TCKD of dkd; null for its default.</summary>
    public double? alpha { get; init; }

    /// <summary>NCKD of dkd, the relation between classes of dist; null for the default.</summary>
    public double? beta { get; init; }

    /// <summary>The relation within a class of dist; null for the default.</summary>
    public double? gamma { get; init; }

    /// <summary>Smoothing of the labels of ce.</summary>
    public double smoothing { get; init; }

    /// <summary>Epochs over which dkd rises to its weight.</summary>
    public int warmup_epochs { get; init; }

    /// <summary>Module of the student that a loss of features looks at, by its path.</summary>
    public string? student_path { get; init; }

    /// <summary>Module of the teacher, by its path.</summary>
    public string? teacher_path { get; init; }

    /// <summary>Learn a map between features of different widths.</summary>
    public bool adapter { get; init; } = true;

    /// <summary>Whether it compares features.</summary>
    public bool OfFeatures => name is FitNetsName or AttentionName;

    /// <summary>Whether it is made for a second head, which the students then need.</summary>
    public bool OfDistillationHead => name is "deit-soft" or "deit-hard";

    /// <summary>Whether a batch needs two images.</summary>
    internal bool NeedsTwo => name == "dist";

    /// <summary>Whether it asks a teacher.</summary>
    public bool NeedsTeacher => name != "ce";

    /// <summary>Losses from words: <c>ce:0.5,kd:0.5</c>, constants behind a blank or a second colon: <c>kd:0.5:temperature=4</c>.</summary>
    /// <exception cref="ArgumentException">A word cannot be read.</exception>
    public static IReadOnlyList<LossTerm> Parse(string text) => [.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(One)];

    /// <summary>A sentence for each thing that is out of range.</summary>
    public IEnumerable<string> Problems()
    {
        if (!Names.Contains(name))
        {
            yield return $"There is no loss '{name}'; allowed are {string.Join(", ", Names)}{(NameSuggestion.Nearest(name, Names) is { } near ? $" (did you mean {near}?)" : "")}.";
        }

        foreach (string key in Given().Where(key => Constants.TryGetValue(name, out string[]? known) && !known.Contains(key)))
        {
            yield return NoConstant(key);
        }

        foreach (var (key, number) in new[] { (nameof(alpha), alpha), (nameof(beta), beta), (nameof(gamma), gamma) })
        {
            if (number is { } value && !(value >= 0 && double.IsFinite(value)))
            {
                yield return Invariant($"{key} of loss {name} is {value}; give 0 or more.");
            }
        }

        if (warmup_epochs < 0)
        {
            yield return $"warmup_epochs of loss {name} is {warmup_epochs}; give 0 or more.";
        }

        if (!(weight > 0 && double.IsFinite(weight)))
        {
            yield return Invariant($"The weight of loss {name} is {weight}; give a number above 0.");
        }

        if (temperature is { } tau && !(tau > 0 && double.IsFinite(tau)))
        {
            yield return Invariant($"The temperature of loss {name} is {tau}; give a number above 0.");
        }

        if (smoothing is not (>= 0 and < 1))
        {
            yield return Invariant($"The smoothing of loss {name} is {smoothing}; give 0 to below 1.");
        }

        if (OfFeatures && (student_path is null || teacher_path is null))
        {
            yield return $"The loss {name} compares features and does not say which; give student_path and teacher_path.";
        }
    }

    /// <summary>The loss. Losses of features are told the widths of what they compare.</summary>
    /// <param name="student">Shape of the student's feature</param>
    /// <param name="teacher">Shape of the teacher's</param>
    public DistillationLoss Create(long[]? student = null, long[]? teacher = null) => name switch
    {
        "ce" => new CrossEntropy(smoothing),
        "kd" => new HintonKd(temperature ?? 4),
        "dkd" => new Dkd(alpha ?? 1, beta ?? 8, temperature ?? 4, warmup_epochs),
        "dist" => new Dist(beta ?? 1, gamma ?? 1, temperature ?? 1),
        "logit-std" => new StandardizedKd(temperature ?? 2),
        "deit-soft" => new DeitSoft(temperature ?? 1),
        "deit-hard" => new DeitHard(),
        AttentionName => new AttentionTransfer(Label),
        _ => new FitNets(Label, Width(student), Width(teacher), adapter),
    };

    /// <summary>The name that its features go by.</summary>
    public string Label => OfFeatures ? $"{name}({student_path})" : name;

    /// <summary>Constants that differ from what a term starts with.</summary>
    private IEnumerable<string> Given() => new[]
    {
        (nameof(temperature), temperature is not null), (nameof(alpha), alpha is not null), (nameof(beta), beta is not null), (nameof(gamma), gamma is not null), (nameof(smoothing), smoothing != 0),
        (nameof(warmup_epochs), warmup_epochs != 0), ("student", student_path is not null), ("teacher", teacher_path is not null), (nameof(adapter), !adapter),
    }.Where(constant => constant.Item2).Select(constant => constant.Item1);

    private string NoConstant(string key) =>
        $"The loss {name} has no constant '{key}'; {(Constants[name] is { Length: > 0 } known ? $"allowed are {string.Join(", ", known)}" : "it has none")}{(NameSuggestion.Nearest(key, Constants[name]) is { } near ? $" (did you mean {near}?)" : "")}.";

    private static long Width(long[]? shape) => shape is null ? throw new InvalidOperationException("A loss of features was made without the shapes of its features; give both.") : shape.Length == 4 ? shape[1] : shape[^1];

    private static LossTerm One(string word)
    {
        string[] parts = word.Split(':', ' ');
        if (parts.Length < 2 || !Number(parts[1], out double weight))
        {
            throw new ArgumentException($"'{word}' is no loss; give name:weight, ce:0.5,kd:0.5:temperature=2 say.");
        }

        var term = new LossTerm(parts[0], weight);
        foreach (string constant in parts.Skip(2))
        {
            string[] pair = constant.Split('=');
            term = pair.Length == 2 ? With(term, pair[0], pair[1]) : throw new ArgumentException($"'{constant}' of loss {parts[0]} is no constant; give temperature=4 say.");
        }

        string? problem = term.Problems().FirstOrDefault();
        return problem is null ? term : throw new ArgumentException(problem);
    }

    private static LossTerm With(LossTerm term, string key, string value)
    {
        // A loss that there is not is named by its own sentence.
        if (Constants.TryGetValue(term.name, out string[]? known) && !known.Contains(key))
        {
            throw new ArgumentException(term.NoConstant(key));
        }

        switch (key)
        {
            case "student": return term with { student_path = value };
            case "teacher": return term with { teacher_path = value };
            case "adapter" when bool.TryParse(value, out bool adapter): return term with { adapter = adapter };
        }

        if (!Number(value, out double number))
        {
            throw new ArgumentException($"{key} of loss {term.name} is '{value}'; give a number.");
        }

        return key switch
        {
            "temperature" => term with { temperature = number },
            "alpha" => term with { alpha = number },
            "beta" => term with { beta = number },
            "gamma" => term with { gamma = number },
            "smoothing" => term with { smoothing = number },
            "warmup_epochs" => number == Math.Floor(number) && Math.Abs(number) < int.MaxValue ? term with { warmup_epochs = (int)number } : throw new ArgumentException($"warmup_epochs of loss {term.name} is '{value}'; give a whole number."),
            _ => term,
        };
    }

    private static bool Number(string text, out double number) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out number);

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
