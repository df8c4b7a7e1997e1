using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <summary>
/// What dropout multiplies element i by: 0 or 1 / (1 - p), a pure function of seed and i, so that no mask is ever kept. 31 random bits come
/// from a multiply-xorshift hash of the element's number under both halves of the seed; a generator that draws one number after
/// another takes longer than the layer it drops from.
/// </summary>
internal readonly unsafe struct DropoutMask<T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    private readonly uint _key0;
    private readonly uint _key1;
    private readonly int _threshold;
    private readonly T _scale;

    public DropoutMask(double p, ulong seed)
    {
        (_key0, _key1) = ((uint)seed, (uint)(seed >> 32));
        _threshold = (int)Math.Min(int.MaxValue, Math.Round(p * 2147483648.0));
        _scale = T.CreateTruncating(1 / (1 - p));
    }

    /// <summary>Writes the factors of the elements from <paramref name="first"/> on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Fill(T* factors, long first, int count)
    {
        // Beyond 2^32 elements the upper half of the number joins the key.
        Vector<uint> low = new(_key0 ^ (uint)(first >> 32)), high = new(_key1);
        Vector<uint> number = Vector<uint>.Indices + new Vector<uint>((uint)first), step = new((uint)Vector<uint>.Count);
        Vector<int> threshold = new(_threshold);
        int i = 0;
        for (; i + Vector<uint>.Count <= count; i += Vector<uint>.Count)
        {
            Vector<int> dropped = Vector.GreaterThan(threshold, Vector.AsVectorInt32(Hash(number, low, high) >> 1));
            number += step;
            if (typeof(T) == typeof(float))
            {
                Vector.ConditionalSelect(dropped, Vector<float>.Zero, new Vector<float>((float)(object)_scale)).Store((float*)factors + i);
            }
            else
            {
                for (int k = 0; k < Vector<uint>.Count; k++)
                {
                    factors[i + k] = dropped[k] != 0 ? T.Zero : _scale;
                }
            }
        }

        for (; i < count; i++)
        {
            uint bits = Hash((uint)(first + i), _key0 ^ (uint)(first >> 32), _key1);
            factors[i] = (int)(bits >> 1) < _threshold ? T.Zero : _scale;
        }
    }

    private static Vector<uint> Hash(Vector<uint> x, Vector<uint> key0, Vector<uint> key1)
    {
        x = (x ^ key0) * 0x9E3779B1u;
        x = ((x ^ (x >> 16)) * 0x7FEB352Du) + key1;
        x = (x ^ (x >> 15)) * 0x846CA68Bu;
        return x ^ (x >> 16);
    }

    private static uint Hash(uint x, uint key0, uint key1)
    {
        x = (x ^ key0) * 0x9E3779B1u;
        x = ((x ^ (x >> 16)) * 0x7FEB352Du) + key1;
        x = (x ^ (x >> 15)) * 0x846CA68Bu;
        return x ^ (x >> 16);
    }
}
