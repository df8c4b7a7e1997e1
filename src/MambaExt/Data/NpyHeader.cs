using System.Globalization;
using MambaExt.Kernels;

namespace MambaExt.Data;

/// <summary>The header of a .npy file: a Python dict of three known keys, read by hand so that nothing is evaluated.</summary>
internal readonly record struct NpyHeader(NpyDtype Dtype, bool FortranOrder, long[] Shape)
{
    /// <summary>NumPy writes some 100 bytes for the types allowed here and itself refuses above 10,000.</summary>
    public const int MostBytes = 10_000;

    private const string Allowed = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)} with a dtype of " + NpyDtype.Allowed;

    public static NpyHeader Parse(string text, string file, long offset)
    {
        int at = 0;
        string? descr = null;
        bool? fortran = null;
        long[]? shape = null;
        Expect('{');
        while (!Try('}'))
        {
            string key = Quoted();
            Expect(':');
            switch (key)
            {
                case "descr" when descr is null:
                    descr = Quoted();
                    break;
                case "fortran_order" when fortran is null:
                    fortran = Try("True") || (Try("False") ? false : throw Bad());
                    break;
                case "shape" when shape is null:
                    shape = Tuple();
                    break;
                default:
                    throw Bad();
            }

            if (!Try(','))
            {
                Expect('}');
                break;
            }
        }

        Space();
        return at == text.Length && fortran is not null && shape is not null && descr is not null && NpyDtype.TryParse(descr, out NpyDtype dtype)
            ? new NpyHeader(dtype, fortran.Value, shape)
            : throw Bad();

        void Space()
        {
            while (at < text.Length && text[at] is ' ' or '\n')
            {
                at++;
            }
        }

        bool Try(params ReadOnlySpan<char> word)
        {
            Space();
            bool found = text.AsSpan(at).StartsWith(word);
            at += found ? word.Length : 0;
            return found;
        }

        void Expect(char sign)
        {
            if (!Try(sign))
            {
                throw Bad();
            }
        }

        string Quoted()
        {
            char quote = Try('\'') ? '\'' : Try('"') ? '"' : throw Bad();
            int end = text.IndexOf(quote, at);
            string inside = end < 0 ? throw Bad() : text[at..end];
            at = end + 1;
            return inside;
        }

        long[] Tuple()
        {
            List<long> extents = [];
            Expect('(');
            while (!Try(')'))
            {
                Space();
                int digits = text.AsSpan(at).IndexOfAnyExceptInRange('0', '9');
                if (digits <= 0 || !long.TryParse(text.AsSpan(at, digits), NumberStyles.None, CultureInfo.InvariantCulture, out long extent))
                {
                    throw Bad();
                }

                at += digits;
                _ = Try('L'); // Python 2 wrote long integers so
                extents.Add(extent);
                if (!Try(','))
                {
                    Expect(')');
                    break;
                }
            }

            return [.. extents];
        }

        InvalidDataException Bad() => BadFile.At(file, offset + at, $"the header {BadFile.Quote(text[Math.Min(at, text.Length)..])}", Allowed, "save the array again with one of these dtypes");
    }
}
