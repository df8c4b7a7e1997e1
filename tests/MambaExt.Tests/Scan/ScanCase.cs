using MambaExt.Scan;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Scan;

/// <summary>How B or C is given.</summary>
public enum Given
{
    /// <summary>[B, L, N]</summary>
    Plain,

    /// <summary>[B, L, 2, N]</summary>
    Grouped,

    /// <summary>[D, N]</summary>
    Constant,
}

/// <summary>One selective scan with its options, its random inputs, and the same from plain torch operations.</summary>
public sealed record ScanCase
{
    public static readonly string[] Names = ["u", "delta", "A", "B", "C", "D", "z", "delta_bias", "initial_state"];

    public long Batch { get; init; } = 2;

    public long Length { get; init; } = 7;

    public long Channels { get; init; } = 6;

    public long States { get; init; } = 3;

    public Given B { get; init; }

    public Given C { get; init; }

    public bool Skip { get; init; }

    public bool Gate { get; init; }

    public bool Bias { get; init; }

    public bool Initial { get; init; }

    public bool Packed { get; init; }

    public bool Softplus { get; init; }

    public bool Reverse { get; init; }

    public bool Last { get; init; }

    public bool AllStates { get; init; }

    /// <summary>Everything at once.</summary>
    public static ScanCase Full => new() { Skip = true, Gate = true, Bias = true, Initial = true, Softplus = true, Last = true };

    /// <summary>A case whose switches are the bits of a number.</summary>
    public static ScanCase FromBits(int bits, long length)
    {
        Given b = (Given)(bits % 3), c = (Given)(bits / 3 % 3);

        // Two that are given by position have the same groups.
        c = b != Given.Constant && c != Given.Constant ? b : c;
        int switches = bits * 37 + bits / 9;
        bool On(int bit) => (switches >> bit & 1) == 1;
        return new ScanCase
        {
            Length = length, B = b, C = c, Skip = On(0), Gate = On(1), Bias = On(2), Initial = On(3), Packed = On(4), Softplus = On(5), Reverse = On(6), Last = On(7),
        };
    }

    /// <summary>Random leaves by name; those that the options leave out are absent.</summary>
    public Dictionary<string, Tensor> Draw(ScalarType type = ScalarType.Float64)
    {
        Tensor Normal(params long[] shape) => randn(shape, ScalarType.Float64);
        Tensor Parameter(Given given) => given switch
        {
            Given.Plain => Normal(Batch, Length, States),
            Given.Grouped => Normal(Batch, Length, 2, States),
            _ => Normal(Channels, States),
        };
        var inputs = new Dictionary<string, Tensor>
        {
            ["u"] = Normal(Batch, Length, Channels),
            ["delta"] = Softplus ? Normal(Batch, Length, Channels) - 1 : Normal(Batch, Length, Channels).abs() * 0.5,
            ["A"] = -exp(Normal(Channels, States) * 0.5),
            ["B"] = Parameter(B),
        };
        if (!AllStates)
        {
            inputs["C"] = Parameter(C);
        }

        if (Skip)
        {
            inputs["D"] = Normal(Channels);
        }

        if (Gate)
        {
            inputs["z"] = Normal(Batch, Length, Channels);
        }

        if (Bias)
        {
            inputs["delta_bias"] = Normal(Channels) * 0.1;
        }

        if (Initial)
        {
            inputs["initial_state"] = Normal(Batch, Channels, States);
        }

        return inputs.ToDictionary(p => p.Key, p => p.Value.to_type(type).detach().clone().requires_grad_());
    }

    /// <summary>Sequence numbers with changes at other places in each row, one of them coming back.</summary>
    public Tensor? Sequences() => Packed
        ? tensor(Enumerable.Range(0, (int)(Batch * Length)).Select(i => (int)(i % Length + i / Length) / 3 % 3).ToArray(), [Batch, Length])
        : null;

    /// <summary>The operator.</summary>
    public (Tensor Out, Tensor? Last) Run(IReadOnlyDictionary<string, Tensor> t, Tensor? sequences)
    {
        Tensor? Get(string name) => t.GetValueOrDefault(name);
        if (AllStates)
        {
            return (SelectiveScan.States(t["u"], t["delta"], t["A"], t["B"], Get("delta_bias"), Get("initial_state"), sequences, Softplus, Reverse), null);
        }

        return Last
            ? SelectiveScan.ApplyWithState(t["u"], t["delta"], t["A"], t["B"], t["C"], Get("D"), Get("z"), Get("delta_bias"), Get("initial_state"), sequences, Softplus, Reverse)
            : (SelectiveScan.Apply(t["u"], t["delta"], t["A"], t["B"], t["C"], Get("D"), Get("z"), Get("delta_bias"), Get("initial_state"), sequences, Softplus, Reverse), null);
    }

    /// <summary>The definition, flipped for reverse, from torch operations.</summary>
    public (Tensor Out, Tensor Last) Plain(IReadOnlyDictionary<string, Tensor> t, Tensor? sequences)
    {
        Tensor Time(Tensor x) => Reverse ? x.flip(1) : x;
        Tensor Wide(Tensor p) => p.dim() switch
        {
            2 => p.unsqueeze(0).unsqueeze(0).expand(Batch, Length, Channels, States),
            3 => Time(p).unsqueeze(2).expand(Batch, Length, Channels, States),
            _ => Time(p).unsqueeze(3).expand(Batch, Length, 2, Channels / 2, States).reshape(Batch, Length, Channels, States),
        };
        Tensor u = Time(t["u"]), dt = Time(t["delta"]), b = Wide(t["B"]);
        if (t.TryGetValue("delta_bias", out Tensor? bias))
        {
            dt = dt + bias;
        }

        dt = Softplus ? log(1 + exp(dt)) : dt;
        Tensor keep = ones(Batch, Length, dtype: u.dtype);
        if (sequences is not null)
        {
            Tensor s = Time(sequences);
            keep = cat([keep.narrow(1, 0, 1), (s.narrow(1, 1, Length - 1) == s.narrow(1, 0, Length - 1)).to_type(u.dtype)], 1);
        }

        Tensor h = t.TryGetValue("initial_state", out Tensor? first) ? first : zeros([Batch, Channels, States], u.dtype);
        var states = new List<Tensor>();
        for (long l = 0; l < Length; l++)
        {
            Tensor step = dt.select(1, l).unsqueeze(2);
            h = exp(step * t["A"]) * h * keep.select(1, l).view(-1, 1, 1) + step * b.select(1, l) * u.select(1, l).unsqueeze(2);
            states.Add(h);
        }

        Tensor all = Length == 0 ? zeros([Batch, 0, Channels, States], u.dtype) : stack(states, 1);
        if (AllStates)
        {
            return (Time(all), h);
        }

        Tensor y = Time((all * Wide(t["C"])).sum(3L));
        if (t.TryGetValue("D", out Tensor? skip))
        {
            y = y + skip * t["u"];
        }

        return (t.TryGetValue("z", out Tensor? z) ? y * z * sigmoid(z) : y, h);
    }
}
