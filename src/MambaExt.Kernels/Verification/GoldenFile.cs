namespace MambaExt.Kernels.Verification;

/// <summary>What came of one golden file.</summary>
/// <param name="File">Name without extension</param>
/// <param name="Kernel">What ran</param>
/// <param name="VectorBits">Vector width of a CPU kernel, 0 where none ran</param>
/// <param name="WorstError">Error of the worst tensor, relative to its largest magnitude</param>
/// <param name="Tolerance">What that tensor is allowed</param>
/// <param name="Ok">Every tensor within its tolerance; null where the file was skipped</param>
/// <param name="Reason">The worst tensor, or why the file was skipped or failed</param>
/// <param name="Device">CPU or the GPU's name; empty where nothing ran</param>
public sealed record GoldenResult(string File, string Kernel, int VectorBits, double WorstError, double Tolerance, bool? Ok, string Reason, string Device);

/// <summary>
/// A golden file: inputs, outputs, cotangents and gradients of one case, with the tolerances by which results are compared. A tensor is
/// compared as a whole: <c>max|a - b| &lt;= tolerance * max|b| + 1e-25</c>.
/// </summary>
public sealed class GoldenFile
{
    private const double Floor = 1e-25;

    private readonly SafetensorsFile _file;
    private readonly bool _exact;
    private double _worst = -1;
    private double _worstError;
    private double _worstTolerance;
    private string _worstName = "";

    /// <summary>Reads <paramref name="path"/>.</summary>
    public GoldenFile(string path)
    {
        Name = Path.GetFileNameWithoutExtension(path);
        _file = SafetensorsFile.Read(path);
        _exact = _file.Entries.Any(e => e.Type == SafetensorsType.F64);
    }

    /// <summary>Name without extension.</summary>
    public string Name { get; }

    /// <summary>Everything is stored, and to be computed, in float64.</summary>
    public bool IsDouble => _exact;

    /// <summary>A number or word of the file's text map; <paramref name="otherwise"/> where it is absent.</summary>
    public string Text(string key, string otherwise = "") => _file.Metadata.GetValueOrDefault(key, otherwise);

    /// <summary>Whether a switch of the file's text map is on.</summary>
    public bool Switch(string key) => Text(key, "0") == "1";

    /// <summary>Names of a list in the text map, such as <c>inputs</c>.</summary>
    public string[] Names(string list) => Text(list).Split(',', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The array of that name.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public SafetensorsEntry this[string name] => _file[name];

    /// <summary>The array of that name, or null.</summary>
    public SafetensorsEntry? Find(string name) => _file.Find(name);

    /// <summary>The values of that array as doubles.</summary>
    public double[] Values(string name)
    {
        SafetensorsEntry entry = _file[name];
        return entry.Type switch
        {
            SafetensorsType.F64 => entry.Span<double>().ToArray(),
            SafetensorsType.F32 => Array.ConvertAll(entry.Span<float>().ToArray(), x => (double)x),
            SafetensorsType.I32 => Array.ConvertAll(entry.Span<int>().ToArray(), x => (double)x),
            _ => throw new InvalidDataException($"{Name}: '{name}' is {entry.Type.Name()}; golden files hold F32, F64 and I32."),
        };
    }

    /// <summary>A whole number of the file's text map.</summary>
    public int Number(string key) => int.Parse(Text(key), System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Compares a result with the array of that name.</summary>
    public void Compare(string name, double[] got, GoldenKind kind) => Compare(name, got, Values(name), Tolerance(kind));

    /// <summary>Compares a result with a reference of its own.</summary>
    internal void Compare(string name, double[] got, double[] expected, double tolerance)
    {
        double scale = 0, error = got.Length == expected.Length ? 0 : double.PositiveInfinity;
        for (int i = 0; i < Math.Min(got.Length, expected.Length); i++)
        {
            scale = Math.Max(scale, Math.Abs(expected[i]));
            double difference = Math.Abs(got[i] - expected[i]);
            error = double.IsNaN(difference) ? double.PositiveInfinity : Math.Max(error, difference);
        }

        double relative = error <= Floor ? 0 : scale == 0 ? double.PositiveInfinity : error / scale;
        double part = error <= Floor ? 0 : relative / tolerance;
        if (part > _worst)
        {
            (_worst, _worstError, _worstTolerance, _worstName) = (part, relative, tolerance, name);
        }
    }

    /// <summary>The comparisons so far as a result.</summary>
    /// <param name="kernel">What ran</param>
    /// <param name="vectorBits">Vector width of a CPU kernel, 0 on a GPU</param>
    /// <param name="device">Where it ran</param>
    public GoldenResult Result(string kernel, int vectorBits, string device = "CPU") =>
        new(Name, kernel, vectorBits, _worstError, _worstTolerance, _worst is >= 0 and <= 1, _worst < 0 ? "nothing was compared" : _worstName, device);

    /// <summary>A file that does not concern this machine or version.</summary>
    public static GoldenResult Skipped(string path, string reason) => new(Path.GetFileNameWithoutExtension(path), "", 0, 0, 0, null, reason, "");

    /// <summary>A file that could not be computed at all.</summary>
    public static GoldenResult Failed(string path, string kernel, string reason) => new(Path.GetFileNameWithoutExtension(path), kernel, 0, double.PositiveInfinity, 0, false, reason, "");

    /// <summary>The published row "float32, fast exp", or the float64 row.</summary>
    private double Tolerance(GoldenKind kind) => kind switch
    {
        GoldenKind.Output => _exact ? 1e-12 : 1e-5,
        GoldenKind.SequenceGradient => _exact ? 1e-12 : 2e-5,
        _ => _exact ? 1e-11 : 5e-5,
    };

    /// <summary>The rows for 16 bits in and out with float32 inside, on inputs rounded first.</summary>
    internal static double NarrowTolerance(GoldenKind kind, bool half) => (half ? 2e-3 : 1e-2) * (kind == GoldenKind.Output ? 1 : 2);
}

/// <summary>Which tolerance a tensor falls under.</summary>
public enum GoldenKind
{
    /// <summary>Outputs and states.</summary>
    Output,

    /// <summary>Gradients of sequences and states.</summary>
    SequenceGradient,

    /// <summary>Gradients of parameters, summed over B and L.</summary>
    ParameterGradient,
}
