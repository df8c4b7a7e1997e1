using MambaExt.Kernels;
using MambaExt.Kernels.Verification;

namespace MambaExt.KernelCheck.Work;

/// <summary>
/// An operator with its arrays in the memory of a device, ready to run any number of times. Numbers are drawn from the array's name, so two
/// of the same shape hold the same ones on whatever device.
/// </summary>
internal abstract unsafe class KernelWork<T>(GoldenArena arena) : IKernelWork
    where T : unmanaged
{
    // A prime, so that rows of the repeated block do not line up.
    private const int Drawn = 65_521;
    private readonly List<KernelResult> _results = [];

    public abstract string Name { get; }

    public string Type => typeof(T) == typeof(float) ? "float32" : typeof(T) == typeof(double) ? "float64" : typeof(T) == typeof(BFloat16) ? "bfloat16" : "half";

    public abstract KernelFloor ForwardFloor { get; }

    public abstract KernelFloor BackwardFloor { get; }

    public long Bytes { get; private set; }

    public IReadOnlyList<KernelResult> Results => _results;

    protected static int ParameterBytes => sizeof(T) == 2 ? sizeof(float) : sizeof(T);

    public virtual bool OfEntries(KernelResult result) => !result.Wide;

    public abstract void Forward();

    public abstract void Backward();

    public double[] Read(KernelResult result)
    {
        byte[] bytes = ReadBytes(result);
        return result.Wide && sizeof(T) == 2 ? GoldenNumbers.Decode<float>(bytes) : GoldenNumbers.Decode<T>(bytes);
    }

    public byte[] ReadBytes(KernelResult result)
    {
        var bytes = new byte[result.Count * (result.Wide ? ParameterBytes : sizeof(T))];
        arena.Read(bytes, result.Address);
        return bytes;
    }

    public void Spoil(byte value)
    {
        foreach (KernelResult result in _results)
        {
            Fill(result.Address, result.Count * (result.Wide ? ParameterBytes : sizeof(T)), value);
        }
    }

    public void Dispose() => arena.Dispose();

    /// <summary>A sequence of numbers between the bounds.</summary>
    protected T* Sequence(string name, long count, double low, double high) => Draw<T>(name, count, low, high);

    /// <summary>A parameter or state, float32 beside 16 bits.</summary>
    protected T* Parameter(string name, long count, double low, double high) => sizeof(T) == 2 ? (T*)Draw<float>(name, count, low, high) : Draw<T>(name, count, low, high);

    /// <summary>Memory for a result that is a sequence.</summary>
    protected T* Result(string name, long count) => Result(name, count, wide: false);

    /// <summary>Memory for a result that is a parameter's gradient or a state.</summary>
    protected T* WideResult(string name, long count) => Result(name, count, wide: true);

    /// <summary>Memory that is no result.</summary>
    protected nint Scratch(long bytes)
    {
        nint address = bytes == 0 ? 0 : Allocate(bytes);
        Fill(address, bytes, 0xFF);
        return address;
    }

    /// <summary>Memory with these elements.</summary>
    protected nint Copy<TElement>(ReadOnlySpan<TElement> elements)
        where TElement : unmanaged
    {
        nint address = Allocate(elements.Length * sizeof(TElement));
        arena.Write(address, System.Runtime.InteropServices.MemoryMarshal.AsBytes(elements));
        return address;
    }

    private T* Result(string name, long count, bool wide)
    {
        nint address = Allocate(count * (wide ? ParameterBytes : sizeof(T)));
        _results.Add(new KernelResult(name, address, count, wide));
        return (T*)address;
    }

    private TElement* Draw<TElement>(string name, long count, double low, double high)
        where TElement : unmanaged
    {
        // A generator of .NET that is seeded gives the same numbers in every version.
        var random = new Random(name.Aggregate(17, (sum, letter) => unchecked((sum * 31) + letter)));
        var values = new double[Math.Min(count, Drawn)];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = low + ((high - low) * random.NextDouble());
        }

        byte[] block = GoldenNumbers.Encode<TElement>(values);
        nint address = Allocate(count * sizeof(TElement));
        Repeat(address, count * sizeof(TElement), block);
        return (TElement*)address;
    }

    private void Fill(nint address, long bytes, byte value)
    {
        var block = new byte[Math.Min(bytes, 1 << 22)];
        Array.Fill(block, value);
        Repeat(address, bytes, block);
    }

    private void Repeat(nint address, long bytes, byte[] block)
    {
        // Few copies: each one waits for the device.
        byte[] large = block.Length == 0 || bytes <= block.Length ? block : new byte[Math.Min(bytes, (long)block.Length * 64)];
        for (int at = 0; at < large.Length && large != block; at += block.Length)
        {
            block.AsSpan(0, Math.Min(block.Length, large.Length - at)).CopyTo(large.AsSpan(at));
        }

        for (long at = 0; at < bytes; at += large.Length)
        {
            arena.Write((nint)(address + at), large.AsSpan(0, (int)Math.Min(large.Length, bytes - at)));
        }
    }

    private nint Allocate(long bytes)
    {
        Bytes += bytes;
        return arena.Allocate(bytes);
    }
}

/// <summary>An operator to run, whatever its element type.</summary>
internal interface IKernelWork : IDisposable
{
    /// <summary>Operator and shape.</summary>
    string Name { get; }

    /// <summary>Element type of the sequences.</summary>
    string Type { get; }

    /// <summary>What no forward kernel can be faster than.</summary>
    KernelFloor ForwardFloor { get; }

    /// <summary>What no backward kernel can be faster than.</summary>
    KernelFloor BackwardFloor { get; }

    /// <summary>Bytes of all arrays.</summary>
    long Bytes { get; }

    /// <summary>What the passes write: outputs and gradients.</summary>
    IReadOnlyList<KernelResult> Results { get; }

    /// <summary>Whether the result belongs to batch entries (or rows) one by one, so that the first ones are the same whatever follows.</summary>
    bool OfEntries(KernelResult result);

    /// <summary>Queues the forward pass.</summary>
    void Forward();

    /// <summary>Queues the backward pass.</summary>
    void Backward();

    /// <summary>A result as doubles.</summary>
    double[] Read(KernelResult result);

    /// <summary>A result bit for bit.</summary>
    byte[] ReadBytes(KernelResult result);

    /// <summary>Fills all results with a byte, so that what is never written is seen.</summary>
    void Spoil(byte value);
}

/// <summary>An array that a pass writes.</summary>
/// <param name="Name">Its name</param>
/// <param name="Address">Where it lies</param>
/// <param name="Count">Elements</param>
/// <param name="Wide">A parameter's gradient or a state: float32 beside 16 bits</param>
internal sealed record KernelResult(string Name, nint Address, long Count, bool Wide);

/// <summary>Work that a pass cannot avoid.</summary>
/// <param name="Bytes">Read and written once</param>
/// <param name="Exponentials">On the units that compute them</param>
/// <param name="Flops">Multiplications and additions of matrix products</param>
/// <param name="Instructions">Of a lane, as the source counts them; 0 where it does not</param>
internal readonly record struct KernelFloor(double Bytes, double Exponentials = 0, double Flops = 0, double Instructions = 0);
