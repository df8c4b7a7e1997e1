using System.Text;
using MambaExt.Kernels;

namespace MambaExt.Data;

/// <summary>The names a pickle may use and what calling them makes. Every other name is refused; none runs foreign code.</summary>
internal sealed class PickleGlobals(PickleInput input)
{
    private static readonly Dictionary<(string Module, string Name), PickleGlobal> Known = Names();

    private readonly PickleNumpy numpy = new(input);

    public PickleGlobal Find(string module, string name) => Known.TryGetValue((module, name), out PickleGlobal? global)
        ? global
        : throw input.Bad($"the global {BadFile.Quote($"{module} {name}")}", "arrays and dtypes of numpy, csr_matrix of scipy, and plain containers of Python",
            "do not trust the file unless you know why it needs this, and save plain arrays instead");

    public object? Call(object? function, object?[] arguments) => (function as PickleGlobal)?.Kind switch
    {
        PickleCallable.ReconstructArray when arguments is [PickleGlobal { Kind: PickleCallable.NdArray }, object?[], _] => numpy.NewArray(),
        PickleCallable.NdArray when arguments is [object?[]] => numpy.NewArray(),
        PickleCallable.Dtype when arguments is [string, ..] && arguments.Length <= 3 => numpy.NewDtype((string)arguments[0]!),
        PickleCallable.NumpyScalar when arguments is [PickleDtype dtype, var bytes] => numpy.Scalar(dtype, bytes),
        PickleCallable.CsrMatrix when arguments is [] => numpy.NewCsr(),
        PickleCallable.Reconstruct when arguments is [PickleGlobal { Kind: PickleCallable.CsrMatrix }, PickleGlobal { Kind: PickleCallable.Object }, null] => numpy.NewCsr(),
        PickleCallable.DefaultDict when arguments is [] or [null or PickleGlobal] => Charged(PickleValues.NewDict(), 80),
        PickleCallable.DefaultDict when arguments is [null or PickleGlobal, var items] => Pairs(items),
        PickleCallable.OrderedDict or PickleCallable.Dict when arguments is [] => Charged(PickleValues.NewDict(), 80),
        PickleCallable.OrderedDict or PickleCallable.Dict when arguments is [var items] => Pairs(items),
        PickleCallable.List when arguments is [] => Charged(new List<object?>(), 32),
        PickleCallable.List when arguments is [var items] => Charged(Items(items).ToList(), 32),
        PickleCallable.Tuple when arguments is [] => Array.Empty<object?>(),
        PickleCallable.Tuple when arguments is [var items] => Items(items),
        PickleCallable.Set or PickleCallable.FrozenSet when arguments is [] => Charged(PickleValues.NewSet(), 64),
        PickleCallable.Set or PickleCallable.FrozenSet when arguments is [var items] => Insert(Charged(PickleValues.NewSet(), 64), Items(items)),
        PickleCallable.Bytes when arguments is [] => Array.Empty<byte>(),
        PickleCallable.Text when arguments is [] => "",
        PickleCallable.Int when arguments is [] => 0L,
        PickleCallable.Float when arguments is [] => 0.0,
        PickleCallable.Bool when arguments is [] => PickleValues.False,
        PickleCallable.Encode when arguments is [string text, "latin1" or "latin-1"] => Latin1(text),
        _ => throw input.Bad($"a call of {(function as PickleGlobal)?.Name ?? function?.GetType().Name ?? "null"} with {arguments.Length} arguments of other types", "what numpy, scipy and collections write"),
    };

    public void Build(object? target, object? state) => numpy.Build(target, state);

    public void ThrowIfUnfilled() => numpy.ThrowIfUnfilled();

    public Dictionary<object, object?> Insert(Dictionary<object, object?> dict, object?[] pairs)
    {
        if (pairs.Length % 2 != 0)
        {
            throw input.Bad("a key without a value", "pairs");
        }

        input.Charge(32L * pairs.Length);
        for (int i = 0; i < pairs.Length; i += 2)
        {
            dict[Key(pairs[i])] = pairs[i + 1];
        }

        return dict;
    }

    public HashSet<object> Insert(HashSet<object> set, object?[] members)
    {
        input.Charge(48L * members.Length);
        foreach (object? member in members)
        {
            set.Add(Key(member));
        }

        return set;
    }

    private static Dictionary<(string Module, string Name), PickleGlobal> Names()
    {
        Dictionary<(string, string), PickleGlobal> names = [];
        void Add(PickleCallable kind, string name, params string[] modules)
        {
            foreach (string module in modules)
            {
                names.Add((module, name), new PickleGlobal(kind, $"{module} {name}"));
            }
        }

        Add(PickleCallable.CsrMatrix, "csr_matrix", "scipy.sparse.csr", "scipy.sparse._csr");
        Add(PickleCallable.ReconstructArray, "_reconstruct", "numpy.core.multiarray", "numpy._core.multiarray");
        Add(PickleCallable.NumpyScalar, "scalar", "numpy.core.multiarray", "numpy._core.multiarray");
        Add(PickleCallable.NdArray, "ndarray", "numpy");
        Add(PickleCallable.Dtype, "dtype", "numpy");
        Add(PickleCallable.DefaultDict, "defaultdict", "collections");
        Add(PickleCallable.OrderedDict, "OrderedDict", "collections");
        Add(PickleCallable.Encode, "encode", "_codecs");
        Add(PickleCallable.Reconstruct, "_reconstructor", "copy_reg", "copyreg");
        (PickleCallable Kind, string Name)[] plain =
        [
            (PickleCallable.List, "list"), (PickleCallable.Dict, "dict"), (PickleCallable.Set, "set"), (PickleCallable.FrozenSet, "frozenset"),
            (PickleCallable.Tuple, "tuple"), (PickleCallable.Int, "int"), (PickleCallable.Int, "long"), (PickleCallable.Float, "float"),
            (PickleCallable.Bool, "bool"), (PickleCallable.Text, "str"), (PickleCallable.Text, "unicode"), (PickleCallable.Bytes, "bytes"), (PickleCallable.Object, "object"),
        ];
        foreach ((PickleCallable kind, string name) in plain)
        {
            Add(kind, name, "builtins", "__builtin__");
        }

        return names;
    }

    private object Key(object? key) => PickleValues.IsKey(key)
        ? key!
        : throw input.Bad($"a {key?.GetType().Name ?? "null"} as a key", "texts, integers, floats and bools");

    private T Charged<T>(T made, long size)
    {
        input.Charge(size);
        return made;
    }

    private object?[] Items(object? items)
    {
        int count = items switch
        {
            List<object?> list => list.Count,
            object?[] tuple => tuple.Length,
            HashSet<object> set => set.Count,
            _ => throw input.Bad($"a container made of a {items?.GetType().Name ?? "null"}", "a list, a tuple or a set"),
        };
        input.Charge(24 + (16L * count));
        return [.. (IEnumerable<object?>)items];
    }

    private Dictionary<object, object?> Pairs(object? items)
    {
        Dictionary<object, object?> dict = Charged(PickleValues.NewDict(), 80);
        if (items is Dictionary<object, object?> other)
        {
            input.Charge(64L * other.Count);
            foreach ((object key, object? value) in other)
            {
                dict[key] = value;
            }

            return dict;
        }

        foreach (object? item in Items(items))
        {
            // Python 2 wrote the pairs of an OrderedDict as lists, Python 3 as tuples.
            object?[] pair = Items(item);
            Insert(dict, pair.Length == 2 ? pair : throw input.Bad($"a pair of {pair.Length}", "a key and a value"));
        }

        return dict;
    }

    private byte[] Latin1(string text)
    {
        if (text.AsSpan().IndexOfAnyExceptInRange('\0', '\u00FF') >= 0)
        {
            throw input.Bad("bytes written as text with a character above 255", "Latin-1");
        }

        input.Charge(text.Length + 32);
        return Encoding.Latin1.GetBytes(text);
    }
}
